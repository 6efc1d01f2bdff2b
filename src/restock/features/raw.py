"""Features before they are standardised: those of the past, those known ahead, and anchors."""

from __future__ import annotations

import numpy as np

from restock.features.anchors import make_anchors
from restock.features.columns import Named, Stretch
from restock.features.history import (
    carried_forward,
    history_features,
    lagged,
    price_features,
    rolling_mean,
    running_scale,
)
from restock.settings.features import FeatureSettings
from restock.types.anchors import Anchors
from restock.types.panel import FloatArray
from restock.types.seasons import Turns

LEAST_MEMORY = 256  # periods
ERROR_WINDOW = 13  # periods over which the recent errors of an anchor are averaged


def memory(settings: FeatureSettings) -> int:
    """Return how many periods before a window its features read, where there are as many."""
    windows, lags = max(settings.rolling_windows, default=0), max(settings.lags, default=0)
    return max(LEAST_MEMORY, 2 * windows, lags, settings.scale_window, 4 * settings.seasonal_lag)


def raw_features(
    stretch: Stretch,
    settings: FeatureSettings,
    floor: float,
    cold: FloatArray,
    turns: tuple[Turns, ...] = (),
) -> tuple[Named, Named, Anchors]:
    """Return unscaled past features, known-future ones, each ``(B, W)``, and anchors.

    ``cold`` is the scale where no demand since a series' launch is known, shape ``(B, 1)``. Long
    seasons, ``turns``, move some of the anchors.
    """
    demand, launched = stretch.demand, stretch.age > 0
    # Zeros before the first sale tell when demand began, not how high it is.
    since_launch = np.where(launched, demand, np.nan)
    scale = running_scale(since_launch, settings.scale_window, floor, cold)
    waiting = ~launched & np.logical_or.accumulate(np.isfinite(demand), axis=1)
    scale = np.where(waiting, floor, scale)
    past = history_features(demand, scale, settings.lags, settings.rolling_windows)
    past["age"] = np.log1p(stretch.age)
    season, window = settings.seasonal_lag, settings.scale_window
    anchors = make_anchors(since_launch, season, window, floor, turns)
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
