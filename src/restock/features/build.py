"""Fit feature constants on training rows, and make features with them.

Split first, fit second: :func:`fit_state` reads nothing after ``train_end``;
:class:`FeatureMaker` learns nothing. Shapes: N series in the panel, B asked for, W periods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from restock.errors import ConfigError, nearest
from restock.features.anchors import make_anchors
from restock.features.calendar import calendar_features
from restock.features.cold import cold_parts, fit_cold
from restock.features.history import (
    carried_forward,
    history_features,
    lagged,
    price_features,
    rolling_mean,
    running_scale,
)
from restock.settings.tree import FeatureSettings
from restock.types.anchors import Anchors
from restock.types.features import FeaturePanel, FeatureSource, FeatureState
from restock.types.panel import BoolArray, DemandPanel, FloatArray, IntArray, extend

Named = dict[str, FloatArray]
LEAST_MEMORY = 256  # periods
HELD_POINTS = 1_000_000  # series times periods whose features are held at once, some 400 MB
FITTED_SERIES = 4_096  # of a larger panel, evenly picked, are enough to learn moments from
FLAGS = ("known", "in_stock")  # past features that are not standardised
ERROR_WINDOW = 13  # periods over which the recent errors of an anchor are averaged


def fit_state(panel: DemandPanel, settings: FeatureSettings, train_end: IntArray) -> FeatureState:
    """Learn scales, standardisation and vocabularies from rows at or before ``train_end``.

    Args:
        panel: The whole panel; rows after ``train_end`` are not read.
        settings: Which features.
        train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.

    Raises:
        ConfigError: If a feature that is to be left out does not exist.
    """
    static = panel.static[train_end >= 0] if len(panel.static) else panel.static
    static = static[[c for c in static.columns if static_name(c) not in settings.leave_out]]
    vocabularies, static_mean, static_std = _fit_static(static, settings)
    rows = np.arange(panel.num_series)
    if panel.num_series > FITTED_SERIES:
        rows = np.linspace(0, panel.num_series - 1, FITTED_SERIES).astype(int)
    width = min(memory(settings), panel.num_steps)
    first = np.maximum(train_end[rows] - width + 1, 0)
    stretch = cut(panel, grid_calendar(panel, settings, 0), rows, first, width)
    taught = first[:, None] + np.arange(width) <= train_end[rows, None]
    means = rolling_mean(np.where(taught, stretch.demand, np.nan), width)[:, -1]
    means = means[means > 0]
    typical = float(np.median(means)) if means.size else 1.0
    since_launch = np.where(taught & (stretch.age > 0), stretch.demand, np.nan)
    level = np.nan_to_num(rolling_mean(since_launch, width)[:, -1])
    past, future, _ = _raw(stretch, settings, 0.02 * typical, np.array(typical))
    _check_left_out(settings.leave_out, [*past, *future, *map(static_name, panel.static.columns)])
    past, future = _kept(past, settings.leave_out), _kept(future, settings.leave_out)
    past_mean, past_std = _moments(past, taught & np.isfinite(stretch.demand))
    future_mean, future_std = _moments(future, taught)
    state = FeatureState(
        scale_floor=0.02 * typical,
        typical_scale=typical,
        cold_scale=typical,
        cold_effects={},
        past_mean=past_mean,
        past_std=past_std,
        future_mean=future_mean,
        future_std=future_std,
        vocabularies=vocabularies,
        static_mean=static_mean,
        static_std=static_std,
    )
    codes, numbers = _static_columns(panel, state, rows)
    cold_scale, cold_effects = fit_cold(codes, numbers, level)
    return replace(state, cold_scale=cold_scale, cold_effects=cold_effects)


def memory(settings: FeatureSettings) -> int:
    """Return how many periods before a window its features read, where there are as many."""
    windows, lags = max(settings.rolling_windows, default=0), max(settings.lags, default=0)
    return max(LEAST_MEMORY, 2 * windows, lags, settings.scale_window, 4 * settings.seasonal_lag)


def input_names(state: FeatureState) -> dict[str, tuple[str, ...]]:
    """Name the columns of the arrays of a :class:`FeaturePanel`, by array, in order."""
    return {
        "past": (*state.past_mean, *FLAGS),
        "future": tuple(state.future_mean),
        "static_codes": tuple(map(static_name, state.vocabularies)),
        "static_numbers": tuple(map(static_name, state.static_mean)),
    }


def optional_features(state: FeatureState) -> list[str]:
    """Return the features that ``features.leave_out`` may name: all but the flags."""
    named = input_names(state)
    return [name for names in named.values() for name in names if name not in FLAGS]


def static_name(column: str) -> str:
    """Return what the feature of a static column is called."""
    return f"static {column}"


@dataclass(frozen=True)
class FeatureMaker:
    """Makes features for the windows that are asked for; they read no further than `memory`."""

    panel: DemandPanel
    settings: FeatureSettings
    state: FeatureState
    horizon: int

    def take(self, rows: IntArray, ends: IntArray, length: int) -> FeaturePanel:
        """Make the features of some windows; see :class:`FeatureSource`."""
        reach = min(memory(self.settings) + length, self.panel.num_steps)
        return self.make(rows, np.maximum(ends - reach + 1, 0), reach + self.horizon)

    def make(self, rows: IntArray, first: IntArray, width: int) -> FeaturePanel:
        """Make standardised features of some series, ``width`` periods from ``first`` on.

        Known-future columns beyond the table's end hold their last known value.
        """
        panel, state = self.panel, self.state
        stretch = cut(panel, self._calendar, rows, first, width)
        codes, numbers = _static_columns(panel, state, rows)
        parts = cold_parts(codes, numbers, state.cold_scale, state.cold_effects, len(rows))
        cold = np.exp(parts.sum(axis=1, keepdims=True))
        past, future, anchors = _raw(stretch, self.settings, state.scale_floor, cold)
        standard = [
            _standardise(past[name], state.past_mean[name], state.past_std[name])
            for name in state.past_mean
        ]
        ahead = [
            _standardise(future[name], state.future_mean[name], state.future_std[name])
            for name in state.future_mean
        ]
        return FeaturePanel(
            first=first,
            past=_stack([*standard, stretch.known, stretch.in_stock], stretch.known.shape),
            future=_stack(ahead, stretch.known.shape),
            static_codes=_side_by_side(codes, len(rows), np.int32),
            static_numbers=_side_by_side(numbers, len(rows), np.float32),
            scale=np.exp(past["level"]).astype(np.float32),
            cold_parts=parts.astype(np.float32),
            demand=stretch.demand.astype(np.float32),
            teaches=stretch.known & stretch.in_stock,
            anchors=anchors,
        )

    @cached_property
    def _calendar(self) -> Named:
        return grid_calendar(self.panel, self.settings, self.horizon)


@dataclass(frozen=True)
class HeldFeatures:
    """Features of a whole panel that is short and small enough to make them once."""

    features: FeaturePanel

    def take(self, rows: IntArray, ends: IntArray, length: int) -> FeaturePanel:  # noqa: ARG002
        """Return the features of some series; see :class:`FeatureSource`."""
        return self.features.take(rows)


def feature_source(
    panel: DemandPanel, settings: FeatureSettings, state: FeatureState, horizon: int
) -> FeatureSource:
    """Return features by window: held where every window would reach back to the start anyway."""
    maker = FeatureMaker(panel, settings, state, horizon)
    if panel.num_steps > memory(settings) or panel.demand.size > HELD_POINTS:
        return maker
    rows = np.arange(panel.num_series)
    return HeldFeatures(maker.make(rows, np.zeros_like(rows), panel.num_steps + horizon))


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


def _raw(
    stretch: Stretch, settings: FeatureSettings, floor: float, cold: FloatArray
) -> tuple[Named, Named, Anchors]:
    """Return unscaled past features, known-future ones, each ``(B, W)``, and anchors.

    ``cold`` is the scale where no demand since a series' launch is known, shape ``(B, 1)``.
    """
    demand, launched = stretch.demand, stretch.age > 0
    # Zeros before the first sale tell when demand began, not how high it is.
    since_launch = np.where(launched, demand, np.nan)
    scale = running_scale(since_launch, settings.scale_window, floor, cold)
    waiting = ~launched & np.logical_or.accumulate(np.isfinite(demand), axis=1)
    scale = np.where(waiting, floor, scale)
    past = history_features(demand, scale, settings.lags, settings.rolling_windows)
    past["age"] = np.log1p(stretch.age)
    anchors = make_anchors(since_launch, settings.seasonal_lag, settings.scale_window, floor)
    past |= _anchor_errors(anchors, demand, scale)
    for name, values in stretch.observed.items():
        past |= price_features(f"observed {name}", values)
    future = dict(stretch.calendar)
    for name, values in stretch.known_future.items():
        held = carried_forward(values)
        future[f"known {name}"] = held
        future[f"known {name}_relative"] = held - rolling_mean(held, held.shape[1])
        # What was on offer the period before has been stocked up on.
        future[f"known {name}_before"] = lagged(held, 1)
    return past, future, anchors


def _anchor_errors(anchors: Anchors, demand: FloatArray, scale: FloatArray) -> Named:
    """How well each anchor has done lately, one step ahead, relative to the scale."""
    error = np.full((*demand.shape, anchors.count), np.nan, dtype=np.float32)
    error[:, 1:] = np.abs(anchors.next_step()[:, :-1] - demand[:, 1:, None])
    return {
        f"anchor_{a}_error": np.arcsinh(rolling_mean(error[:, :, a], ERROR_WINDOW) / scale)
        for a in range(anchors.count)
    }


def _ends(frequency: str) -> bool:
    return frequency.startswith("W") or frequency.endswith("E")


def _check_left_out(left_out: tuple[str, ...], known: list[str]) -> None:
    for name in left_out:
        if name not in known:
            raise ConfigError(f"features.leave_out: no feature {name!r}. {nearest(name, known)}")


def _kept(features: Named, left_out: tuple[str, ...]) -> Named:
    return {name: values for name, values in features.items() if name not in left_out}


def _moments(features: Named, rows: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """Mean and standard deviation of each feature over the training rows."""
    mean, std = {}, {}
    for name, values in features.items():
        taught = values[rows & np.isfinite(values)]
        mean[name] = float(taught.mean()) if taught.size else 0.0
        std[name] = float(taught.std()) if taught.size else 0.0
    return mean, std


def _standardise(values: FloatArray, mean: float, std: float) -> FloatArray:
    """Centre and scale; unknown values become 0, the mean. Far outliers are held at 10 deviations.

    A feature that never moved in training says nothing: it becomes 0 throughout.
    """
    if std < 1e-9:
        return np.zeros(values.shape, dtype=np.float32)
    standard = ((values - mean) / std).astype(np.float32)
    return np.clip(np.where(np.isnan(standard), 0.0, standard), -10.0, 10.0)


def _stack(columns: list[np.ndarray], shape: tuple[int, ...]) -> FloatArray:
    stacked = np.empty((*shape, len(columns)), dtype=np.float32)
    for place, column in enumerate(columns):
        stacked[:, :, place] = column
    return stacked


def _fit_static(
    static: pd.DataFrame, settings: FeatureSettings
) -> tuple[dict[str, tuple[str, ...]], dict[str, float], dict[str, float]]:
    """Keep frequent categories of text columns and moments of numeric ones."""
    vocabularies: dict[str, tuple[str, ...]] = {}
    mean, std = {}, {}
    for name in static.columns:
        column = static[name]
        if column.dtype.kind in "biuf":
            values = column.to_numpy(dtype=float)
            values = values[np.isfinite(values)]
            mean[name] = float(values.mean()) if values.size else 0.0
            std[name] = float(values.std()) if values.size else 0.0
            continue
        counts = column.dropna().astype(str).value_counts()
        counts = counts[counts >= settings.min_category_count]
        # By count, then by name, so that ties do not depend on the order of the rows.
        ordered = sorted(counts.items(), key=lambda item: (-int(item[1]), str(item[0])))
        vocabularies[name] = tuple(str(key) for key, _ in ordered[: settings.max_categories])
    return vocabularies, mean, std


def _static_columns(
    panel: DemandPanel, state: FeatureState, rows: IntArray
) -> tuple[dict[str, IntArray], Named]:
    """Return the static columns of some series: category codes, and standardised numbers."""
    static = panel.static.iloc[rows] if len(panel.static) else panel.static
    codes = {}
    for name, vocabulary in state.vocabularies.items():
        code = {category: number for number, category in enumerate(vocabulary, start=1)}
        codes[name] = np.array([code.get(value, 0) for value in static[name].astype(str)])
    numbers = {
        name: _standardise(static[name].to_numpy(dtype=float), mean, state.static_std[name])
        for name, mean in state.static_mean.items()
    }
    return codes, numbers


def _side_by_side(columns: Mapping[str, np.ndarray], num_series: int, dtype: type) -> np.ndarray:
    if not columns:
        return np.zeros((num_series, 0), dtype=dtype)
    return np.stack(list(columns.values()), axis=1).astype(dtype)
