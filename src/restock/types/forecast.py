"""What a forecaster returns: distributions per step and of the running total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from restock.types.panel import DemandPanel, FloatArray, IntArray


@dataclass(frozen=True)
class DemandForecast:
    """Demand of N series over the H periods after each one's forecast origin.

    Attributes:
        series_id: Shape ``(N,)``.
        origin: Timestamp of the last known period. Shape ``(N,)``.
        timestamps: The forecast periods. Shape ``(N, H)``.
        point: Point forecast in units. Shape ``(N, H)``.
        levels: Quantile levels, rising. Shape ``(Q,)``.
        quantiles: Demand of each period. Shape ``(N, H, Q)``.
        cumulative: *Total* demand from the first period to each one: not a sum of quantiles.
            Shape ``(N, H, Q)``.
        unit: What one unit of demand is.
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
                raise ValueError(f"forecast: {name} cross")
        if not np.isfinite(self.point).all():
            raise ValueError("forecast: point must be finite")

    def at(self, level: float) -> FloatArray:
        """Return the step quantiles at one level. Shape ``(N, H)``."""
        index = int(np.flatnonzero(np.isclose(self.levels, level))[0])
        return self.quantiles[:, :, index]

    @property
    def mean(self) -> FloatArray:
        """Expected demand of each step, in units: unlike quantiles, means add up over series.

        The quantile function, integrated over its levels by trapezoids; beyond the outermost
        levels it is held, which leaves out what lies in the far tails. Shape ``(N, H)``.
        """
        levels = np.concatenate([[0.0], self.levels, [1.0]])
        held = np.pad(self.quantiles, ((0, 0), (0, 0), (1, 1)), mode="edge")
        return np.trapezoid(held, levels, axis=2)

    def table(self) -> pd.DataFrame:
        """Return a row per series and step: point, mean, q<level>, and total_q<level> of totals."""
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
    """What can be fitted. One that learns nothing beyond an origin's past returns itself."""

    def fit(self, panel: DemandPanel, train_end: IntArray) -> FittedForecaster:
        """Fit on targets at or before ``train_end`` and return what predicts.

        Args:
            panel: The whole panel; demand after ``train_end`` is not read.
            train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.
        """
        ...


class FittedForecaster(Protocol):
    """A trained model. It predicts from a panel alone and never learns again."""

    @property
    def horizon(self) -> int:
        """Periods it forecasts, H."""
        ...

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast the H periods after each series' origin, from what lies at or before it.

        Args:
            panel: History (and known future) of the series.
            origins: Last known grid position per series. Shape ``(N,)``.
        """
        ...
