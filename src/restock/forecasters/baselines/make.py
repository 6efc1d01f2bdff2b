"""The baselines by the names they have in a leaderboard."""

from __future__ import annotations

import numpy as np

from restock.forecasters.baselines.simple import simple_baselines
from restock.forecasters.baselines.trees import BoostedTrees
from restock.forecasters.bundle import Manifest
from restock.forecasters.names import BOOSTED_TREES
from restock.settings.tree import EvaluationSettings, FeatureSettings
from restock.types.forecast import Forecaster
from restock.types.panel import FloatArray


def baselines_beside(manifest: Manifest, settings: EvaluationSettings) -> dict[str, Forecaster]:
    """Return the baselines with the quantile levels, the features and the seed of a bundle."""
    features = FeatureSettings.model_validate(manifest.features)
    return make_baselines(settings, features, np.array(manifest.levels), manifest.seed)


def boosted_trees(
    settings: EvaluationSettings, features: FeatureSettings, levels: FloatArray, seed: int
) -> BoostedTrees:
    """Return the trees that the settings describe; see :func:`make_baselines`."""
    return BoostedTrees(features, settings.baselines.trees, settings.horizon, levels, seed)


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
    known: dict[str, Forecaster] = {**simple_baselines(chosen, horizon, levels)}
    known[BOOSTED_TREES] = boosted_trees(settings, features, levels, seed)
    return {name: known[name] for name in chosen.names}
