"""Baselines that need no training. NumPy only, so that a bundle can mix them in."""

from __future__ import annotations

from functools import partial

from restock.forecasters.baselines import intermittent, points
from restock.forecasters.baselines.ets import ets
from restock.forecasters.baselines.points import PointForecast
from restock.forecasters.baselines.spread import Baseline
from restock.forecasters.baselines.theta import theta
from restock.settings.baselines import BaselineSettings
from restock.settings.features import FeatureSettings
from restock.types.panel import FloatArray

MOVED = ("ets", "theta")  # by long seasons, where a year holds several of their own


def point_forecasts(settings: BaselineSettings) -> dict[str, PointForecast]:
    """Return the point forecast of every such baseline, by name."""
    period, smoothing = settings.seasonal_period, settings.smoothing
    window = settings.moving_window
    return {
        "naive": points.naive,
        "seasonal_naive": partial(points.seasonal_naive, period=period),
        "moving_mean": partial(points.moving_mean, window=window),
        "moving_median": partial(points.moving_median, window=window),
        "ses": partial(points.exponential_smoothing, smoothing=smoothing),
        "ets": partial(ets, period=period),
        "theta": partial(theta, period=period),
        "croston": partial(intermittent.croston, smoothing=smoothing),
        "sba": partial(intermittent.sba, smoothing=smoothing),
        "tsb": partial(intermittent.tsb, smoothing=smoothing),
    }


def simple_baselines(
    settings: BaselineSettings,
    horizon: int,
    levels: FloatArray,
    features: FeatureSettings | None = None,
) -> dict[str, Baseline]:
    """Return every such baseline by its name in a leaderboard.

    Args:
        settings: Their parameters.
        horizon: Periods they forecast, H.
        levels: Quantile levels. Shape ``(Q,)``.
        features: For the long seasons that move ETS and Theta. None: nothing does.
    """
    return {
        name: Baseline(
            horizon, levels, point, settings.error_origins,
            features=features if name in MOVED else None,
        )
        for name, point in point_forecasts(settings).items()
    }  # fmt: skip
