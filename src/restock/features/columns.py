"""Raw columns of some series over some periods, cut out of a panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restock.features.calendar import calendar_features
from restock.settings.features import FeatureSettings
from restock.types.panel import BoolArray, DemandPanel, FloatArray, IntArray, extend

Named = dict[str, FloatArray]


@dataclass(frozen=True)
class Stretch:
    """Raw columns of some series over some periods, each from a start of its own.

    Attributes:
        demand: Units; NaN where unknown, beyond the panel's end, or hidden by a stock-out (which
            says nothing about the level of demand). Shape ``(B, W)``.
        known, in_stock: Shape ``(B, W)``.
        age: Periods since the first sale, that one included; 0 before it. Shape ``(B, W)``.
        observed, known_future, calendar: By name, NaN where unknown. Each ``(B, W)``.
    """

    demand: FloatArray
    known: BoolArray
    in_stock: BoolArray
    age: IntArray
    observed: Named
    known_future: Named
    calendar: Named


def cut(
    panel: DemandPanel, calendar: Named, rows: IntArray, first: IntArray, width: int
) -> Stretch:
    """Cut a stretch out of a panel.

    Args:
        panel: The whole panel.
        calendar: Of the panel's grid and as far beyond as a stretch may reach. Each ``(G,)``.
        rows: Series; one may be cut more than once. Shape ``(B,)``.
        first: Grid position at which each stretch starts. Shape ``(B,)``.
        width: Periods, W.
    """
    place = first[:, None] + np.arange(width)

    def of(values: np.ndarray, nothing: float | bool) -> np.ndarray:
        length = values.shape[1]
        taken = values[rows[:, None], np.minimum(place, length - 1)]
        return np.where(place < length, taken, nothing)

    demand, in_stock = of(panel.demand, np.nan), of(panel.in_stock, True)
    return Stretch(
        demand=np.where(in_stock, demand, np.nan),
        known=np.isfinite(demand),
        in_stock=in_stock,
        age=np.maximum(place - panel.first_sale[rows, None] + 1, 0),
        observed={name: of(values, np.nan) for name, values in panel.observed.items()},
        known_future={name: of(values, np.nan) for name, values in panel.known_future.items()},
        calendar={name: values[place] for name, values in calendar.items()},
    )


def grid_calendar(panel: DemandPanel, settings: FeatureSettings, horizon: int) -> Named:
    """Return the calendar of the panel's history and ``horizon`` periods more."""
    num_all = panel.num_steps + horizon
    # One period more, so that the last one has a next one, too.
    missing = num_all + 1 - len(panel.timestamps)
    grid = extend(panel.timestamps, panel.frequency, missing)[: num_all + 1]
    calendar = calendar_features(
        grid, settings.calendar, settings.holidays, ends_periods=_ends(panel.frequency)
    )
    return {name: values[:num_all] for name, values in calendar.items()}


def _ends(frequency: str) -> bool:
    return frequency.startswith("W") or frequency.endswith("E")
