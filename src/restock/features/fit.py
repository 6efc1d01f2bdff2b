"""Learn the constants that features are made with, from training rows alone.

Split first, fit second: nothing after ``train_end`` is read.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from restock.features.cold import fit_cold
from restock.features.columns import Named, cut, grid_calendar
from restock.features.history import rolling_mean
from restock.features.names import check_left_out, static_name
from restock.features.raw import memory, raw_features
from restock.features.scaling import moments
from restock.features.seasons import fit_seasons, starting_at, turns_of
from restock.features.statics import category_codes, fit_static, static_columns
from restock.settings.features import FeatureSettings
from restock.types.features import FeatureState
from restock.types.panel import DemandPanel, IntArray
from restock.types.seasons import SeasonIndex

FITTED_SERIES = 4_096  # of a larger panel, evenly picked, are enough to learn moments from
DIGITS = 10  # significant ones of a constant; below them, processors add up differently


def fit_state(panel: DemandPanel, settings: FeatureSettings, train_end: IntArray) -> FeatureState:
    """Learn scales, standardisation and vocabularies from rows at or before ``train_end``.

    Args:
        panel: The whole panel; rows after ``train_end`` are not read.
        settings: Which features.
        train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.

    Raises:
        ConfigError: If a feature that is to be left out does not exist.
    """
    static = _trained(panel, settings, train_end)
    vocabularies, static_mean, static_std = fit_static(static, settings)
    rows = fitted_rows(panel)
    width = min(memory(settings), panel.num_steps)
    first = np.maximum(train_end[rows] - width + 1, 0)
    stretch = cut(panel, grid_calendar(panel, settings, 0), rows, first, width)
    in_training = first[:, None] + np.arange(width) <= train_end[rows, None]
    means = rolling_mean(np.where(in_training, stretch.demand, np.nan), width)[:, -1]
    means = means[means > 0]
    typical = float(np.median(means)) if means.size else 1.0
    since_launch = np.where(in_training & (stretch.age > 0), stretch.demand, np.nan)
    level = np.nan_to_num(rolling_mean(since_launch, width)[:, -1])
    seasons = _seasons(panel, settings, train_end, rows, vocabularies)
    turns = turns_of(seasons, panel, settings, 0)
    past, future, _ = raw_features(
        stretch, settings, 0.02 * typical, np.array(typical),
        starting_at(turns, rows, first),
    )  # fmt: skip
    check_left_out(settings.leave_out, [*past, *future, *map(static_name, panel.static.columns)])
    past, future = _kept(past, settings.leave_out), _kept(future, settings.leave_out)
    past_mean, past_std = moments(past, in_training & np.isfinite(stretch.demand))
    future_mean, future_std = moments(future, in_training)
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
        seasons=seasons,
    )
    codes, numbers = static_columns(panel, state, rows)
    cold_scale, cold_effects = fit_cold(codes, numbers, level)
    return rounded(replace(state, cold_scale=cold_scale, cold_effects=cold_effects))


def learn_seasons(
    panel: DemandPanel, settings: FeatureSettings, train_end: IntArray
) -> tuple[SeasonIndex, ...]:
    """Learn the long seasons from rows at or before ``train_end``; arguments as above."""
    vocabularies, _, _ = fit_static(_trained(panel, settings, train_end), settings)
    return _seasons(panel, settings, train_end, fitted_rows(panel), vocabularies)


def fitted_rows(panel: DemandPanel) -> IntArray:
    """Return the series that constants are learned from."""
    if panel.num_series <= FITTED_SERIES:
        return np.arange(panel.num_series)
    return np.linspace(0, panel.num_series - 1, FITTED_SERIES).astype(int)


def _trained(panel: DemandPanel, settings: FeatureSettings, train_end: IntArray) -> pd.DataFrame:
    """Return the static columns of the series in training, but those that are left out."""
    static = panel.static[train_end >= 0] if len(panel.static) else panel.static
    return static[[c for c in static.columns if static_name(c) not in settings.leave_out]]


def _seasons(
    panel: DemandPanel,
    settings: FeatureSettings,
    train_end: IntArray,
    rows: IntArray,
    vocabularies: dict[str, tuple[str, ...]],
) -> tuple[SeasonIndex, ...]:
    """Learn long seasons from the whole history of some series."""
    if settings.seasonal_lag < 2:  # seasons are switched off
        return ()
    place = np.arange(panel.num_steps)
    seen = place <= train_end[rows, None]
    seen &= place >= panel.first_sale[rows, None]
    demand = np.where(seen, panel.uncensored[rows], np.nan)
    labels = panel.timestamps[: panel.num_steps]
    static = panel.static.iloc[rows] if len(panel.static) else panel.static
    codes = category_codes(static, vocabularies)
    return fit_seasons(demand, labels, panel.frequency, codes, vocabularies)


def rounded(state: FeatureState) -> FeatureState:
    """Return constants to as many digits as mean something, the same on every processor."""
    names = [field.name for field in fields(state) if field.name != "seasons"]  # are rounded
    return replace(state, **{name: _rounded(getattr(state, name)) for name in names})


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _kept(features: Named, left_out: tuple[str, ...]) -> Named:
    return {name: values for name, values in features.items() if name not in left_out}
