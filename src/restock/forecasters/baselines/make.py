"""The baselines by the names they have in a leaderboard."""

from __future__ import annotations

from functools import partial

import numpy as np

from restock.config import BaselineSettings, EvaluationSettings, FeatureSettings
from restock.forecasters.baselines import intermittent, points
from restock.forecasters.baselines.ets import ets
from restock.forecasters.baselines.points import PointForecast
from restock.forecasters.baselines.spread import Baseline
from restock.forecasters.baselines.theta import theta
from restock.forecasters.baselines.trees import BoostedTrees
from restock.forecasters.bundle import Manifest
from restock.forecasters.names import BOOSTED_TREES
from restock.types.forecast import Forecaster
from restock.types.panel import FloatArray


def point_forecasts(settings: BaselineSettings) -> dict[str, PointForecast]:
    """Return every baseline that is a point forecast with quantiles from its past errors."""
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


def baselines_beside(manifest: Manifest, settings: EvaluationSettings) -> dict[str, Forecaster]:
    """Return the baselines with the quantile levels, the features and the seed of a bundle."""
    features = FeatureSettings.model_validate(manifest.features)
    return make_baselines(settings, features, np.array(manifest.levels), manifest.seed)


def make_baselines(
    settings: EvaluationSettings, features: FeatureSettings, levels: FloatArray, seed: int
) -> dict[str, Forecaster]:
    """Return the baselines that the settings name, ready to be fitted.

    Args:
        settings: Which, and how.
        features: What trees are shown: what the network is shown.
        levels: Quantile levels they answer. Shape ``(Q,)``.
        seed: Of the rows that trees are taught.
    """
    chosen, horizon = settings.baselines, settings.horizon
    known: dict[str, Forecaster] = {
        name: Baseline(horizon, levels, point, chosen.error_origins)
        for name, point in point_forecasts(chosen).items()
    }
    known[BOOSTED_TREES] = BoostedTrees(features, chosen.trees, horizon, levels, seed)
    return {name: known[name] for name in chosen.names}
