"""The demand panel, which all modelling code reads. It must not know which source it came from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from restock.errors import DataError

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class DemandPanel:
    """Many demand series on one regular grid of periods.

    Shapes: N series, T periods with demand history, F known future periods after them.

    Attributes:
        series_id: Names of the series, sorted and unique. Shape ``(N,)``.
        timestamps: The grid: one label per period, known future included. Length ``T + F``.
        demand: Units per period; NaN where nothing was observed. Shape ``(N, T)``.
        in_stock: False where a stock-out hides demand. Shape ``(N, T)``.
        frequency: pandas alias of the grid, such as ``W-SUN``.
        unit: Name of the unit of demand.
        static: One row per series, in the order of ``series_id``; one column per static column.
        known_future: Numeric columns known in advance, by name. Each ``(N, T + F)``.
        observed: Numeric columns whose future is not known, by name. Each ``(N, T)``.
        static_until: Last position that derived static columns were made from; None if there are
            no derived ones. Shape ``(N,)``.
        closed: Weekdays without any demand, Monday is 0. Forecasts are 0 there.

    Raises:
        DataError: If shapes differ, series are not sorted and unique, there is no series, the grid
            does not rise, or demand is negative or infinite.
    """

    series_id: NDArray[np.object_]
    timestamps: pd.DatetimeIndex
    demand: FloatArray
    in_stock: BoolArray
    frequency: str
    unit: str = "units"
    static: pd.DataFrame = field(default_factory=pd.DataFrame)
    known_future: dict[str, FloatArray] = field(default_factory=dict)
    observed: dict[str, FloatArray] = field(default_factory=dict)
    static_until: IntArray | None = None
    closed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the shape, the order and the values, once."""
        num_series, num_steps = self.demand.shape
        grid = (num_series, len(self.timestamps))
        if len(self.series_id) != num_series or len(self.static) not in {0, num_series}:
            raise DataError(
                f"panel: demand has {num_series} rows, series_id {len(self.series_id)} and static "
                f"{len(self.static)}; expected one row per series in each (static may be empty)"
            )
        if num_series == 0:
            raise DataError("panel: it holds no series. Check the cleaning rules.")
        if (self.series_id[1:] <= self.series_id[:-1]).any():
            raise DataError("panel: series_id must be sorted and unique")
        if len(self.timestamps) < num_steps or not self.timestamps.is_monotonic_increasing:
            raise DataError("panel: timestamps must rise, with at least one per period of demand")
        if np.isinf(self.demand).any() or (self.demand < 0).any():
            raise DataError("panel: demand must be finite and not negative, or missing")
        shapes = {name: (a.shape, grid) for name, a in self.known_future.items()}
        shapes |= {name: (a.shape, self.demand.shape) for name, a in self.observed.items()}
        shapes["in_stock"] = (self.in_stock.shape, self.demand.shape)
        for name, (got, expected) in shapes.items():
            if got != expected:
                raise DataError(f"panel: {name} has shape {got}, expected {expected}")

    def take(self, rows: IntArray) -> DemandPanel:
        """Return the panel of some series. ``rows`` must rise, without repeats. Shape ``(R,)``."""
        static = self.static.iloc[rows].reset_index(drop=True) if len(self.static) else self.static
        return replace(
            self,
            series_id=self.series_id[rows],
            demand=self.demand[rows],
            in_stock=self.in_stock[rows],
            static=static,
            known_future={name: values[rows] for name, values in self.known_future.items()},
            observed={name: values[rows] for name, values in self.observed.items()},
            static_until=None if self.static_until is None else self.static_until[rows],
        )

    @property
    def num_series(self) -> int:
        """Number of series, N."""
        return int(self.demand.shape[0])

    @property
    def num_steps(self) -> int:
        """Number of periods with history, T."""
        return int(self.demand.shape[1])

    @property
    def num_future(self) -> int:
        """Number of known future periods, F."""
        return len(self.timestamps) - self.num_steps

    @property
    def uncensored(self) -> FloatArray:
        """Demand where it was seen: NaN where a stock-out may have hidden it. Shape ``(N, T)``."""
        return np.where(self.in_stock, self.demand, np.nan)

    def actuals(
        self,
        origins: IntArray,
        horizon: int,
        rows: IntArray | None = None,
        last: IntArray | None = None,
    ) -> FloatArray:
        """Return the actual demand in each of the H periods after each series' origin.

        It is NaN where nothing was observed, where a stock-out may have hidden demand, and after
        the end of the history. All are NaN for an origin of -1: that series takes no part.

        Args:
            origins: Last known position of each series. Shape ``(R,)``.
            horizon: Periods after the origin, H.
            rows: Row numbers of the series. None: all series, R = N. Shape ``(R,)``.
            last: Last position of each series that is read; later ones are NaN. None: all are
                read. Shape ``(R,)``.

        Returns:
            Demand in units. Shape ``(R, H)``.
        """
        series = (np.arange(self.num_series) if rows is None else rows)[:, None]
        target = origins[:, None] + np.arange(1, horizon + 1)
        known = (origins[:, None] >= 0) & (target < self.num_steps)
        if last is not None:
            known &= target <= last[:, None]
        at = np.clip(target, 0, self.num_steps - 1)
        return np.where(known & self.in_stock[series, at], self.demand[series, at], np.nan)

    @property
    def first_seen(self) -> IntArray:
        """Position of each series' first demand in stock; T where there is none. Shape ``(N,)``.

        Before it the demand of the series is not known at all: the series is cold.
        """
        seen = np.isfinite(self.uncensored)
        return np.where(seen.any(axis=1), seen.argmax(axis=1), self.num_steps)

    @cached_property
    def first_sale(self) -> IntArray:
        """Position of each series' first sale, in stock or not; T where there is none. ``(N,)``."""
        sold = self.demand > 0
        return np.where(sold.any(axis=1), sold.argmax(axis=1), self.num_steps)

    @property
    def last_index(self) -> IntArray:
        """Position of each series' last observation; -1 where there is none. Shape ``(N,)``."""
        seen = np.isfinite(self.demand)
        last = self.num_steps - 1 - seen[:, ::-1].argmax(axis=1)
        return np.where(seen.any(axis=1), last, -1)

    def labels(self, positions: IntArray) -> NDArray[np.datetime64]:
        """Return the timestamps at grid positions; positions after the grid's end are allowed."""
        beyond = int(positions.max(initial=0)) - len(self.timestamps) + 1
        return np.asarray(extend(self.timestamps, self.frequency, max(beyond, 0)))[positions]


def extend(timestamps: pd.DatetimeIndex, frequency: str, num_steps: int) -> pd.DatetimeIndex:
    """Return the grid with ``num_steps`` more periods after its end."""
    if num_steps <= 0:
        return timestamps
    more = pd.date_range(timestamps[-1], periods=num_steps + 1, freq=frequency)[1:]
    return pd.DatetimeIndex(timestamps.append(more.as_unit(timestamps.unit)))
