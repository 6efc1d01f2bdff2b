"""What a forecaster returns: quantiles of demand per step and of the running total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from restock.types.panel import DemandPanel, FloatArray, IntArray


@dataclass(frozen=True)
class DemandForecast:
    """Forecast demand of N series in the H periods after each series' origin.

    Attributes:
        series_id: Names of the series. Shape ``(N,)``.
        origin: Timestamp of the last known period. Shape ``(N,)``.
        timestamps: The forecast periods. Shape ``(N, H)``.
        point: Point forecast in units. Shape ``(N, H)``.
        levels: Quantile levels in (0, 1), rising. Shape ``(Q,)``.
        quantiles: Quantiles of the demand of each period, in units. Shape ``(N, H, Q)``.
        cumulative: Quantiles of the *total* demand from the first forecast period up to each
            period, in units. They are not sums of ``quantiles``. Shape ``(N, H, Q)``.
        unit: Name of the unit of demand.

    Raises:
        ValueError: If shapes differ, or a value is not finite, is negative (quantiles), or
            quantiles cross (fall along the levels).
    """

    series_id: NDArray[np.object_]
    origin: NDArray[np.datetime64]
    timestamps: NDArray[np.datetime64]
    point: FloatArray
    levels: FloatArray
    quantiles: FloatArray
    cumulative: FloatArray
    unit: str = "units"

    def __post_init__(self) -> None:
        """Check shapes, and that quantiles are finite, not negative and do not cross."""
        num_series, horizon = self.point.shape
        expected = (num_series, horizon, len(self.levels))
        for name in ("quantiles", "cumulative"):
            values: FloatArray = getattr(self, name)
            if values.shape != expected:
                raise ValueError(f"forecast: {name} has shape {values.shape}, not {expected}")
            if not np.isfinite(values).all() or (values < 0).any():
                raise ValueError(f"forecast: {name} must be finite and not negative")
            if (np.diff(values, axis=2) < 0).any():
                raise ValueError(f"forecast: {name} must not fall from one level to the next")
        if not np.isfinite(self.point).all():
            raise ValueError("forecast: point must be finite")

    def closed_on(self, weekdays: tuple[int, ...]) -> DemandForecast:
        """Return the forecast with no demand on some weekdays (Monday is 0); totals stand still."""
        if not weekdays:
            return self
        days = self.timestamps.astype("datetime64[D]").astype(np.int64)
        closed = np.isin((days + 3) % 7, weekdays)  # day 0 was a Thursday
        cumulative = self.cumulative.copy()
        for step in range(closed.shape[1]):
            before = cumulative[:, step - 1] if step else np.zeros_like(cumulative[:, 0])
            cumulative[:, step] = np.where(closed[:, step, None], before, cumulative[:, step])
        return replace(
            self,
            point=np.where(closed, 0.0, self.point),
            quantiles=np.where(closed[:, :, None], 0.0, self.quantiles),
            cumulative=cumulative,
        )

    def at(self, level: float) -> FloatArray:
        """Return the quantiles of each step at one of the ``levels``, in units. ``(N, H)``."""
        index = int(np.flatnonzero(np.isclose(self.levels, level))[0])
        return self.quantiles[:, :, index]

    @property
    def mean(self) -> FloatArray:
        """Expected demand of each step, in units. Means add up over series; quantiles do not.

        It is the integral of the quantile function over its levels, by the trapezoidal rule. Beyond
        the lowest and the highest level the function is taken as constant, so the far tails are
        left out. Shape ``(N, H)``.
        """
        levels = np.concatenate([[0.0], self.levels, [1.0]])
        held = np.pad(self.quantiles, ((0, 0), (0, 0), (1, 1)), mode="edge")
        return np.trapezoid(held, levels, axis=2)

    def table(self) -> pd.DataFrame:
        """Return a table with one row per series and step, in units.

        Columns: series_id, forecast_origin, timestamp, step (from 1), point, mean; q<level>, the
        quantiles of the step; total_q<level>, those of the running total.
        """
        num_series, horizon = self.point.shape
        columns = {
            "series_id": np.repeat(self.series_id, horizon),
            "forecast_origin": np.repeat(self.origin, horizon),
            "timestamp": self.timestamps.ravel(),
            "step": np.tile(np.arange(1, horizon + 1), num_series),
            "point": self.point.ravel(),
            "mean": self.mean.ravel(),
        }
        for prefix, values in (("q", self.quantiles), ("total_q", self.cumulative)):
            columns |= {
                f"{prefix}{level:g}": values[:, :, place].ravel()
                for place, level in enumerate(self.levels)
            }
        return pd.DataFrame(columns)

    def take(self, rows: IntArray) -> DemandForecast:
        """Return some rows."""
        return replace(
            self,
            series_id=self.series_id[rows],
            origin=self.origin[rows],
            timestamps=self.timestamps[rows],
            point=self.point[rows],
            quantiles=self.quantiles[rows],
            cumulative=self.cumulative[rows],
        )

    @classmethod
    def stacked(cls, forecasts: Sequence[DemandForecast]) -> DemandForecast:
        """Return forecasts from several origins as one, with their rows one after the other."""

        def joined(name: str) -> Any:
            return np.concatenate([getattr(forecast, name) for forecast in forecasts])

        return replace(
            forecasts[0],
            series_id=joined("series_id"),
            origin=joined("origin"),
            timestamps=joined("timestamps"),
            point=joined("point"),
            quantiles=joined("quantiles"),
            cumulative=joined("cumulative"),
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame, unit: str) -> DemandForecast:
        """Read a forecast that :meth:`table` wrote."""
        horizon = int(table["step"].max())
        names = [name for name in table.columns if name.startswith("q")]

        def wide(name: str) -> NDArray[Any]:
            return table[name].to_numpy().reshape(-1, horizon)

        return cls(
            series_id=wide("series_id")[:, 0].astype(object),
            origin=wide("forecast_origin")[:, 0],
            timestamps=wide("timestamp"),
            point=wide("point"),
            levels=np.array([float(name[1:]) for name in names]),
            quantiles=np.stack([wide(name) for name in names], axis=2),
            cumulative=np.stack([wide(f"total_{name}") for name in names], axis=2),
            unit=unit,
        )


class Forecaster(Protocol):
    """A model that can be fitted. One that has nothing to learn returns itself."""

    def fit(self, panel: DemandPanel, train_end: IntArray) -> FittedForecaster:
        """Fit on targets at or before ``train_end`` and return the fitted forecaster.

        Args:
            panel: The whole panel; demand after ``train_end`` is not read.
            train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.
        """
        ...


class FittedForecaster(Protocol):
    """A trained model. It only needs a panel to predict, and does not learn any more."""

    @property
    def horizon(self) -> int:
        """Number of periods that it forecasts, H."""
        ...

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast the H periods after each series' origin. Demand after it is not read.

        Args:
            panel: History (and known future) of the series.
            origins: Last known grid position per series; at least 0. Shape ``(N,)``.
        """
        ...
