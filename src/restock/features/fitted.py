"""Features of one training cut, fitted and ready to be asked for windows."""

from __future__ import annotations

from dataclasses import dataclass

from restock.features.fit import fit_state
from restock.features.maker import feature_source
from restock.settings.features import FeatureSettings
from restock.types.features import FeatureSource, FeatureState
from restock.types.panel import DemandPanel, IntArray


@dataclass(frozen=True)
class FittedFeatures:
    """What a network is shown, and the constants it was made with.

    Attributes:
        state: Learned from training rows only.
        source: Features by window.
    """

    state: FeatureState
    source: FeatureSource


def fit_features(
    panel: DemandPanel, settings: FeatureSettings, train_end: IntArray, horizon: int
) -> FittedFeatures:
    """Fit feature constants on training rows and make the features.

    Args:
        panel: The whole panel; constants read nothing after ``train_end``.
        settings: Which features.
        train_end: Last training position per series. Shape ``(N,)``.
        horizon: Periods ahead whose known future is needed.
    """
    return with_state(panel, settings, fit_state(panel, settings, train_end), horizon)


def with_state(
    panel: DemandPanel, settings: FeatureSettings, state: FeatureState, horizon: int
) -> FittedFeatures:
    """Make features with constants that were learned before; arguments as above."""
    return FittedFeatures(state, feature_source(panel, settings, state, horizon))
