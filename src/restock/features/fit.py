"""Learn the constants that features are made with, from training rows alone.

Split first, fit second: nothing after ``train_end`` is read.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from restock.features.cold import fit_cold
from restock.features.columns import Named, cut, grid_calendar
from restock.features.history import rolling_mean
from restock.features.names import check_left_out, static_name
from restock.features.raw import memory, raw_features
from restock.features.scaling import moments
from restock.features.seasons import learn_seasons, starting_at, turns_of
from restock.features.statics import (
    fit_static,
    fitted_rows,
    static_columns,
    trained_static,
)
from restock.settings.features import FeatureSettings
from restock.types.features import FeatureState
from restock.types.panel import DemandPanel, IntArray

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
    static = trained_static(panel, settings, train_end)
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
    seasons = learn_seasons(panel, settings, train_end)
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
