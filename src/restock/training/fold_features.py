"""Features of every tuning fold, each fitted up to its own training end."""

from __future__ import annotations

from restock.features.fitted import FittedFeatures, fit_features
from restock.forecasters.likelihoods import require_counts
from restock.settings.features import FeatureSettings
from restock.settings.model import Likelihood
from restock.types.folds import Folds
from restock.types.panel import DemandPanel


def fit_fold_features(
    panel: DemandPanel, folds: Folds, features: FeatureSettings, likelihood: Likelihood
) -> list[FittedFeatures]:
    """Make each tuning fold's features. All networks of a fold share them.

    Raises:
        DataError: If the likelihood is a distribution of counts and demand is not in whole units.
    """
    for fold in folds.tuning:
        require_counts(panel, fold.train_end, likelihood)
    return [fit_features(panel, features, fold.train_end, folds.horizon) for fold in folds.tuning]
