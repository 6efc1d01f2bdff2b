"""The baselines by the names they have in a leaderboard."""

from __future__ import annotations

import numpy as np

from restock.forecasters.baselines.simple import simple_baselines
from restock.forecasters.baselines.trees import BoostedTrees
from restock.forecasters.bundle import Manifest
from restock.forecasters.names import BOOSTED_TREES
from restock.settings.baselines import BaselineSettings
from restock.settings.features import FeatureSettings
from restock.types.forecast import Forecaster
from restock.types.panel import FloatArray


def baselines_beside(manifest: Manifest, settings: BaselineSettings) -> dict[str, Forecaster]:
    """Return the baselines with the horizon, levels, features and seed of a bundle's manifest."""
    features = FeatureSettings.model_validate(manifest.features)
    levels = np.array(manifest.levels)
    return make_baselines(settings, manifest.horizon, features, levels, manifest.seed)


def boosted_trees(
    settings: BaselineSettings,
    horizon: int,
    features: FeatureSettings,
    levels: FloatArray,
    seed: int,
) -> BoostedTrees:
    """Return the trees that the settings describe; see :func:`make_baselines`."""
    return BoostedTrees(features, settings.trees, horizon, levels, seed)


def make_baselines(
    settings: BaselineSettings,
    horizon: int,
    features: FeatureSettings,
    levels: FloatArray,
    seed: int,
) -> dict[str, Forecaster]:
    """Return the baselines that the settings name, ready to be fitted.

    Args:
        settings: Names of the baselines, and their parameters.
        horizon: Periods they forecast, H.
        features: Settings of the trees' features: those of the network.
        levels: Quantile levels of their forecasts, rising, in (0, 1). Shape ``(Q,)``.
        seed: Seed of the trees and of the random choice of their training rows.

    Returns:
        Forecasters by name, in the order of the settings. Each has ``fit(panel, train_end)``,
        which returns a model with ``predict(panel, origins)``.
    """
    known: dict[str, Forecaster] = {**simple_baselines(settings, horizon, levels, features)}
    known[BOOSTED_TREES] = boosted_trees(settings, horizon, features, levels, seed)
    return {name: known[name] for name in settings.names}
