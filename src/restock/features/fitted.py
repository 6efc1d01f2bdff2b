"""Features of one training cut, ready to be asked for windows."""

from __future__ import annotations

from restock.features.build import feature_source, fit_state
from restock.settings.tree import FeatureSettings
from restock.types.features import FeatureSource, FeatureState
from restock.types.panel import DemandPanel, IntArray

Prepared = tuple[FeatureState, FeatureSource]


def prepare_features(
    panel: DemandPanel, settings: FeatureSettings, train_end: IntArray, horizon: int
) -> Prepared:
    """Fit feature constants on training rows and make the features.

    Args:
        panel: The whole panel; constants read nothing after ``train_end``.
        settings: Which features.
        train_end: Last training position per series. Shape ``(N,)``.
        horizon: Periods ahead whose known future is needed.
    """
    state = fit_state(panel, settings, train_end)
    return state, feature_source(panel, settings, state, horizon)
