"""Learn long seasons from groups of series, and lay them out for the windows that are asked for.

A year of one product is mostly noise, and a short history has hardly more than one. What all
products do together, and those of a category, is known much better. So the year is learned as an
index of demand of all series, and of each category beside it. The forecast is that demand moves
from the origin to a step as the index did a year before.

Shapes: N series, T periods, G periods of the index's grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from restock.features.anchors import SMOOTHERS, TURNED
from restock.features.calendar import holiday_dates
from restock.features.statics import category_codes, fit_static, fitted_rows, trained_static
from restock.settings.features import FeatureSettings
from restock.settings.frequency import kind, periods_per_day
from restock.types.panel import DemandPanel, FloatArray, IntArray, extend
from restock.types.seasons import SeasonIndex, Turns

MOST_TURNS = 3  # years, or weeks, before
FEW_SERIES = 50  # fewer than these are averaged over neighbouring weeks
IN_A_GROUP = 10  # series: a smaller category has no index of its own
YEARLY = ("W", "M", "Q")  # frequencies whose anchors have a season of a year already
NEAR = {"B": 5, "D": 7, "W": 1}  # periods around a holiday that move with it
MOST_GROUPS = 100  # categories of a column: with more, each says too little of a season
FLOOR = 0.02  # share of the mean demand that is added, so that no logarithm is infinite


@dataclass(frozen=True)
class Cycle:
    """A season longer than the one that anchors smooth.

    Attributes:
        name: ``week`` or ``year``.
        periods: Periods in one turn, to see whether there is enough history.
        half: Periods before and after each that are averaged, so that shorter seasons vanish.
    """

    name: str
    periods: int
    half: int


CYCLES = {
    "h": (Cycle("week", 168, 12), Cycle("year", 8766, 84)),
    "B": (Cycle("year", 261, 2),),
    "D": (Cycle("year", 365, 3),),
    "W": (Cycle("year", 52, 0),),
    "M": (Cycle("year", 12, 0),),
    "Q": (Cycle("year", 4, 0),),
}


def cycles_of(frequency: str) -> tuple[Cycle, ...]:
    """Return the long seasons that a frequency has, the shortest first."""
    if kind(frequency) != "min":
        return CYCLES.get(kind(frequency), ())
    day = periods_per_day(frequency)
    return tuple(
        Cycle(cycle.name, cycle.periods * day // 24, cycle.half * day // 24)
        for cycle in CYCLES["h"]
    )


def learn_seasons(
    panel: DemandPanel, settings: FeatureSettings, train_end: IntArray
) -> tuple[SeasonIndex, ...]:
    """Learn the long seasons of a panel from rows at or before ``train_end``.

    Args:
        panel: The whole panel.
        settings: Which columns and categories count; ``seasonal_lag`` below 2: no seasons.
        train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.
    """
    if settings.seasonal_lag < 2:  # seasons are switched off
        return ()
    rows = fitted_rows(panel)
    vocabularies, _, _ = fit_static(trained_static(panel, settings, train_end), settings)
    static = panel.static.iloc[rows] if len(panel.static) else panel.static
    place = np.arange(panel.num_steps)
    seen = place <= train_end[rows, None]
    seen &= place >= panel.first_sale[rows, None]
    demand = np.where(seen, panel.uncensored[rows], np.nan)
    labels = panel.timestamps[: panel.num_steps]
    codes = category_codes(static, vocabularies)
    return fit_seasons(demand, labels, panel.frequency, codes, vocabularies)


def fit_seasons(
    demand: FloatArray,
    timestamps: pd.DatetimeIndex,
    frequency: str,
    codes: Mapping[str, IntArray],
    vocabularies: Mapping[str, tuple[str, ...]],
) -> tuple[SeasonIndex, ...]:
    """Learn the index of every cycle that the history is longer than.

    Args:
        demand: Since launch, in stock and up to the training's end; else NaN. Shape ``(N, T)``.
        timestamps: Labels of the periods. Length T.
        frequency: Frequency of the panel.
        codes: Category of each series by static column; 0 is unknown. Each ``(N,)``.
        vocabularies: Names of the categories, from code 1 on.
    """
    known = np.flatnonzero(np.isfinite(demand).any(axis=0))
    length = int(known[-1] - known[0] + 1) if known.size else 0
    demand, found = demand[:, known[0] : known[-1] + 1] if length else demand, []
    for cycle in cycles_of(frequency):
        if length <= cycle.periods:
            continue
        half = max(cycle.half, int(frequency[0] == "W" and len(demand) < FEW_SERIES))
        smooth = _centred(demand, half)
        every = _chained(smooth)
        groups = {"": every}
        for column, own in codes.items():
            if len(vocabularies[column]) > MOST_GROUPS:
                continue
            for code, name in enumerate(vocabularies[column], start=1):
                rows = np.flatnonzero(own == code)
                if IN_A_GROUP <= len(rows) < len(demand):
                    groups[f"{column}={name}"] = _beside(smooth[rows], every)
        stored = {name: _stored(values) for name, values in groups.items()}
        found.append(SeasonIndex(cycle.name, str(timestamps[known[0]]), half, stored))
    return tuple(found)


def _stored(values: FloatArray) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


def _centred(demand: FloatArray, half: int) -> FloatArray:
    """Return the mean of the known values around each period; NaN where the period is unknown."""
    if not half:
        return demand
    known = np.isfinite(demand)
    width = 2 * half + 1
    total, count = (
        np.pad(part, ((0, 0), (half + 1, half))).cumsum(axis=1)
        for part in (np.where(known, demand, 0.0), known.astype(float))
    )
    total, count = (part[:, width:] - part[:, :-width] for part in (total, count))
    return np.where(known, total / np.maximum(count, 1), np.nan)


def _chained(values: FloatArray) -> FloatArray:
    """Return the logarithm of what series sell together, joined from period to period.

    From one period to the next, only the series that are known in both are compared, so that
    launches do not look like growth. Shape ``(T,)``.
    """
    known = np.isfinite(values)
    both = known[:, 1:] & known[:, :-1]
    after, before = (
        np.where(both, part, 0.0).sum(axis=0) for part in (values[:, 1:], values[:, :-1])
    )
    count = both.sum(axis=0)
    least = FLOOR * np.nan_to_num(np.nanmean(values) if known.any() else 0.0) * count + 1e-9
    moved = np.where(count > 0, np.log((after + least) / (before + least)), 0.0)
    return np.concatenate([[0.0], moved.cumsum()])


def _beside(values: FloatArray, every: FloatArray) -> FloatArray:
    """Return what a category's index adds to that of all series, shrunk by its reliability.

    The reliability is how well two halves of the category agree (Spearman, 1910; Brown, 1910).
    """
    halves = [_without_trend(_chained(values[part::2]) - every) for part in (0, 1)]
    spread = float(np.sqrt(halves[0].var() * halves[1].var()))
    agreement = float((halves[0] * halves[1]).mean()) / spread if spread > 0 else 0.0
    agreement = max(agreement, 0.0)
    return (_chained(values) - every) * 2 * agreement / (1 + agreement)


def _without_trend(values: FloatArray) -> FloatArray:
    time = np.linspace(-1.0, 1.0, len(values))
    slope = (values * time).sum() / (time**2).sum()
    return values - values.mean() - slope * time


def turns_of(
    seasons: Sequence[SeasonIndex], panel: DemandPanel, settings: FeatureSettings, horizon: int
) -> tuple[Turns, ...]:
    """Lay learned indices out for all series of a panel, from its first period on.

    Args:
        seasons: The indices.
        panel: The panel. Its demand is not read.
        settings: Country whose holidays move with the calendar.
        horizon: Periods that are forecast after the panel's end.
    """
    return tuple(_laid_out(index, panel, settings.holidays, horizon) for index in seasons)


def starting_at(turns: Sequence[Turns], rows: IntArray, first: IntArray) -> tuple[Turns, ...]:
    """Return the turns of some series whose features start at ``first``. Both ``(B,)``."""
    taken = [one.take(rows) for one in turns]
    return tuple(replace(one, first=one.first + first) for one in taken)


def _laid_out(index: SeasonIndex, panel: DemandPanel, country: str | None, horizon: int) -> Turns:
    start, frequency = pd.Timestamp(index.start), panel.frequency
    missing = panel.num_steps + horizon - len(panel.timestamps)
    labels = extend(panel.timestamps, frequency, missing)
    learned = pd.date_range(start, periods=len(index.groups[""]), freq=frequency)
    grid = learned.union(labels[labels > start])
    offset = int(grid.searchsorted(labels[0])) - int((labels < start).sum())
    table, groups = _combinations(index, panel, len(grid))
    plain = [_before(grid, index.cycle, turn) for turn in range(1, MOST_TURNS + 1)]
    back = [
        _with_holidays(before, grid, frequency, country, turn)
        for turn, before in enumerate(plain, start=1)
    ]
    moved = TURNED["year" if kind(frequency) in YEARLY else "shorter"]
    level = np.stack([_smoothed(table, SMOOTHERS[place].level) for place in moved])
    return Turns(
        index=table.astype(np.float32),
        level=level.astype(np.float32),
        back=np.stack(back),
        plain=np.stack(plain),
        half=index.half,
        moved=moved,
        groups=groups,
        first=np.full(panel.num_series, offset),
    )


def _combinations(
    index: SeasonIndex, panel: DemandPanel, width: int
) -> tuple[FloatArray, IntArray]:
    """Return the index of every combination of groups ``(U, G)``, and that of each series."""
    columns = sorted({name.partition("=")[0] for name in index.groups if name})
    named = [
        [f"{column}={value}" for value in panel.static[column].astype(str)] for column in columns
    ]
    own = np.array(named, dtype=object).reshape(len(columns), panel.num_series).T
    own = np.where(np.isin(own, list(index.groups)), own, "")
    joined = np.array(["\n".join(labels) for labels in own], dtype=object)
    kinds, groups = np.unique(joined, return_inverse=True)
    every = np.array(index.groups[""])
    table = np.full((len(kinds), width), np.nan)
    for row, names in enumerate(kinds):
        beside = [np.array(index.groups[name]) for name in names.split("\n") if name]
        table[row, : len(every)] = np.sum([every, *beside], axis=0)
    return table, groups


def _before(grid: pd.DatetimeIndex, cycle: str, turn: int) -> IntArray:
    """Return the position some turns before each period; -1 where that is before the grid."""
    if cycle == "week":
        labels = grid - pd.Timedelta(weeks=turn)
    else:
        labels = grid - pd.DateOffset(years=turn)
    place = np.asarray(grid.get_indexer(labels, method="nearest"))
    return np.where(labels >= grid[0], place, -1)


def _with_holidays(
    before: IntArray, grid: pd.DatetimeIndex, frequency: str, country: str | None, turn: int
) -> IntArray:
    """Move the periods around each holiday to those around the same holiday, so many years ago."""
    near = NEAR.get(kind(frequency))
    if country is None or near is None:
        return before
    aligned, nearest = before.copy(), np.full(len(before), near + 1)
    found = holiday_dates(country, range(grid[0].year, grid[-1].year + 1))
    for (name, year), day in found.items():
        earlier = found.get((name, year - turn))
        if earlier is None or earlier < grid[0] or day > grid[-1]:
            continue
        here, there = int(grid.searchsorted(day)), int(grid.searchsorted(earlier))
        around = np.arange(max(here - near, 0), min(here + near + 1, len(grid)))
        closer = around[np.abs(around - here) < nearest[around]]
        nearest[closer] = np.abs(closer - here)
        aligned[closer] = np.maximum(closer - here + there, -1)
    return aligned


def _smoothed(index: FloatArray, rate: float) -> FloatArray:
    """Return the logarithm of exponentially smoothed demand. Shape ``(N, G)``."""
    demand = np.exp(index - np.nanmean(index, axis=1, keepdims=True))
    level, levels = demand[:, 0], np.empty_like(demand)
    for step in range(demand.shape[1]):
        level = level + rate * (demand[:, step] - level)
        levels[:, step] = level
    return np.log(levels) + np.nanmean(index, axis=1, keepdims=True)
