"""Features of every tuning fold, each fitted on its own past."""

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
    """Make each tuning fold's features, once for all that is trained on them.

    Raises:
        DataError: If the likelihood is one of counts and the demand is not: nothing could train.
    """
    for fold in folds.tuning:
        require_counts(panel, fold.train_end, likelihood)
    return [fit_features(panel, features, fold.train_end, folds.horizon) for fold in folds.tuning]
