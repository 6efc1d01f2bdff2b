"""Panel, folds and features of a sweep: made once, and shared by all its workers' trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib

from restock.data.files import replacing
from restock.features.fitted import Prepared, prepare_features
from restock.forecasters.likelihoods import require_counts
from restock.settings.tree import FeatureSettings, Likelihood
from restock.types.folds import Folds
from restock.types.panel import DemandPanel


@dataclass(frozen=True)
class SweepData:
    """What every trial of a sweep trains on.

    Attributes:
        panel: The whole panel; each network sees its fold's past only.
        folds: Its tuning folds are what a trial is judged on.
        prepared: Features of each tuning fold.
    """

    panel: DemandPanel
    folds: Folds
    prepared: Sequence[Prepared]


def prepare_folds(
    panel: DemandPanel, folds: Folds, features: FeatureSettings, likelihood: Likelihood
) -> list[Prepared]:
    """Make each tuning fold's features, once for all trials.

    Raises:
        DataError: If the likelihood is one of counts and the demand is not: no trial could train.
    """
    for fold in folds.tuning:
        require_counts(panel, fold.train_end, likelihood)
    return [
        prepare_features(panel, features, fold.train_end, folds.horizon) for fold in folds.tuning
    ]


def save(data: SweepData, path: Path) -> None:
    """Write the data so that processes can map it instead of reading it."""
    with replacing(path) as aside:
        joblib.dump(data, aside)


def load(path: Path) -> SweepData:
    """Map data that :func:`save` wrote: its arrays are read-only and shared between processes."""
    return joblib.load(path, mmap_mode="r")
