"""Fit feature constants on training rows, and make features with them.

Split first, fit second: :func:`fit_state` reads nothing after ``train_end``; :func:`make_features`
learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from restock.config import FeatureSettings
from restock.errors import ConfigError, nearest
from restock.features.anchors import make_anchors
from restock.features.calendar import calendar_features
from restock.features.history import (
    carried_forward,
    history_features,
    price_features,
    rolling_mean,
    running_scale,
)
from restock.types.anchors import Anchors
from restock.types.features import FeaturePanel, FeatureSource, FeatureState
from restock.types.panel import DemandPanel, FloatArray, IntArray, extend

Named = dict[str, FloatArray]
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
    if panel.num_series > FITTED_SERIES:
        picked = np.linspace(0, panel.num_series - 1, FITTED_SERIES).astype(int)
        panel, train_end = panel.take(picked), train_end[picked]
    taught = np.arange(panel.num_steps)[None, :] <= train_end[:, None]
    demand = np.where(taught, panel.uncensored, np.nan)
    means = rolling_mean(demand, panel.num_steps)[:, -1]
    means = means[means > 0]
    typical = float(np.median(means)) if means.size else 1.0
    past, future, _ = _raw(panel, settings, 0, 0.02 * typical, typical)
    _check_left_out(settings.leave_out, [*past, *future, *map(static_name, panel.static.columns)])
    past, future = _kept(past, settings.leave_out), _kept(future, settings.leave_out)
    past_mean, past_std = _moments(past, taught & np.isfinite(demand))
    future_mean, future_std = _moments(future, taught)
    return FeatureState(
        scale_floor=0.02 * typical,
        cold_scale=typical,
        past_mean=past_mean,
        past_std=past_std,
        future_mean=future_mean,
        future_std=future_std,
        vocabularies=vocabularies,
        static_mean=static_mean,
        static_std=static_std,
    )


def make_features(
    panel: DemandPanel, settings: FeatureSettings, state: FeatureState, horizon: int
) -> FeaturePanel:
    """Make standardised features for every position, with ``horizon`` positions past the end.

    Known-future columns beyond the table's end hold their last known value.
    """
    past, future, anchors = _raw(panel, settings, horizon, state.scale_floor, state.cold_scale)
    known = np.isfinite(panel.demand)
    standard = [
        _standardise(past[name], state.past_mean[name], state.past_std[name])
        for name in state.past_mean
    ]
    standard += [known.astype(float), panel.in_stock.astype(float)]
    ahead = [
        _standardise(future[name], state.future_mean[name], state.future_std[name])
        for name in state.future_mean
    ]
    num_all = panel.num_steps + horizon
    return FeaturePanel(
        past=np.stack(standard, axis=2).astype(np.float32),
        future=_stack(ahead, (panel.num_series, num_all)),
        static_codes=_codes(panel.static, state, panel.num_series),
        static_numbers=_numbers(panel, state),
        scale=np.exp(past["level"]).astype(np.float32),
        demand=panel.demand.astype(np.float32),
        teaches=known & panel.in_stock,
        anchors=anchors,
    )


def input_names(state: FeatureState) -> dict[str, tuple[str, ...]]:
    """Name the columns of the arrays that :func:`make_features` makes, by array, in order."""
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
class FeaturesOnDemand:
    """Features of a panel too large to hold them all: made for the series that are asked for."""

    panel: DemandPanel
    settings: FeatureSettings
    state: FeatureState
    horizon: int

    @property
    def num_series(self) -> int:
        """Number of series, N."""
        return self.panel.num_series

    def take(self, rows: IntArray) -> FeaturePanel:
        """Make the features of some series."""
        once, place = np.unique(rows, return_inverse=True)
        panel = self.panel.take(once)
        return make_features(panel, self.settings, self.state, self.horizon).take(place)


def feature_source(
    panel: DemandPanel, settings: FeatureSettings, state: FeatureState, horizon: int
) -> FeatureSource:
    """Return features by series: all of them at once where they are small enough to hold."""
    on_demand = FeaturesOnDemand(panel, settings, state, horizon)
    if panel.demand.size <= HELD_POINTS:
        return on_demand.take(np.arange(panel.num_series))
    return on_demand


def _raw(
    panel: DemandPanel, settings: FeatureSettings, horizon: int, floor: float, cold: float
) -> tuple[Named, Named, Anchors]:
    """Return unscaled past features ``(N, T)``, known-future ones ``(N, T + horizon)``, anchors."""
    demand = panel.uncensored  # a stock-out says nothing about the level of demand
    scale = running_scale(demand, settings.scale_window, floor, cold)
    past = history_features(demand, scale, settings.lags, settings.rolling_windows)
    anchors = make_anchors(demand, settings.seasonal_lag, settings.scale_window, floor)
    past |= _anchor_errors(anchors, demand, scale)
    for name, values in panel.observed.items():
        past |= price_features(f"observed {name}", values)
    num_all = panel.num_steps + horizon
    # One period more, so that the last one has a next one, too.
    missing = num_all + 1 - len(panel.timestamps)
    grid = extend(panel.timestamps, panel.frequency, missing)[: num_all + 1]
    calendar = calendar_features(
        grid, settings.calendar, settings.holidays, ends_periods=_ends(panel.frequency)
    )
    future = {
        name: np.broadcast_to(values[:num_all], (panel.num_series, num_all))
        for name, values in calendar.items()
    }
    for name, values in panel.known_future.items():
        held = carried_forward(_resize(values, num_all))
        future[f"known {name}"] = held
        future[f"known {name}_relative"] = held - rolling_mean(held, num_all)
    return past, future, anchors


def _anchor_errors(anchors: Anchors, demand: FloatArray, scale: FloatArray) -> Named:
    """How well each anchor has done lately, one step ahead, relative to the scale."""
    every = np.broadcast_to(np.arange(demand.shape[1] - 1), (len(demand), demand.shape[1] - 1))
    error = np.full((*demand.shape, anchors.count), np.nan)
    error[:, 1:] = np.abs(anchors.forecast(every, 1)[:, :, 0] - demand[:, 1:, None])
    return {
        f"anchor_{a}_error": np.arcsinh(rolling_mean(error[:, :, a], ERROR_WINDOW) / scale)
        for a in range(anchors.count)
    }


def _ends(frequency: str) -> bool:
    return frequency.startswith("W") or frequency.endswith("E")


def _resize(values: FloatArray, length: int) -> FloatArray:
    """Cut or pad (with NaN) along time."""
    missing = max(length - values.shape[1], 0)
    return np.pad(values, ((0, 0), (0, missing)), constant_values=np.nan)[:, :length]


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
        taught = values[:, : rows.shape[1]][rows]
        taught = taught[np.isfinite(taught)]
        mean[name] = float(taught.mean()) if taught.size else 0.0
        std[name] = float(taught.std()) if taught.size else 0.0
    return mean, std


def _standardise(values: FloatArray, mean: float, std: float) -> FloatArray:
    """Centre and scale; unknown values become 0, the mean. Far outliers are held at 10 deviations.

    A feature that never moved in training says nothing: it becomes 0 throughout.
    """
    if std < 1e-9:
        return np.zeros_like(values, dtype=float)
    return np.clip(np.nan_to_num((values - mean) / std, nan=0.0), -10.0, 10.0)


def _stack(columns: list[FloatArray], shape: tuple[int, int]) -> FloatArray:
    if not columns:
        return np.zeros((*shape, 0), dtype=np.float32)
    return np.stack(columns, axis=2).astype(np.float32)


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
            mean[name], std[name] = float(np.nanmean(values)), float(np.nanstd(values))
            continue
        counts = column.dropna().astype(str).value_counts()
        counts = counts[counts >= settings.min_category_count]
        # By count, then by name, so that ties do not depend on the order of the rows.
        ordered = sorted(counts.items(), key=lambda item: (-int(item[1]), str(item[0])))
        vocabularies[name] = tuple(str(key) for key, _ in ordered[: settings.max_categories])
    return vocabularies, mean, std


def _codes(static: pd.DataFrame, state: FeatureState, num_series: int) -> IntArray:
    columns = []
    for name, vocabulary in state.vocabularies.items():
        code = {category: number for number, category in enumerate(vocabulary, start=1)}
        columns.append([code.get(value, 0) for value in static[name].astype(str)])
    if not columns:
        return np.zeros((num_series, 0), dtype=np.int32)
    return np.array(columns, dtype=np.int32).T


def _numbers(panel: DemandPanel, state: FeatureState) -> FloatArray:
    columns = [
        _standardise(panel.static[name].to_numpy(dtype=float), mean, state.static_std[name])
        for name, mean in state.static_mean.items()
    ]
    if not columns:
        return np.zeros((panel.num_series, 0), dtype=np.float32)
    return np.stack(columns, axis=1).astype(np.float32)
