"""Panel, folds and features of a sweep: made once, and shared by all its workers' trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib

from restock.data.files import replacing
from restock.features.fitted import FittedFeatures
from restock.types.folds import Folds
from restock.types.panel import DemandPanel


@dataclass(frozen=True)
class SweepData:
    """What every trial of a sweep trains on.

    Attributes:
        panel: The whole panel; each network sees its fold's past only.
        folds: Its tuning folds are what a trial is judged on.
        features: Of each tuning fold.
    """

    panel: DemandPanel
    folds: Folds
    features: Sequence[FittedFeatures]


def save(data: SweepData, path: Path) -> None:
    """Write the data so that processes can map it instead of reading it."""
    with replacing(path) as aside:
        joblib.dump(data, aside)


def load(path: Path) -> SweepData:
    """Map data that :func:`save` wrote: its arrays are read-only and shared between processes."""
    return joblib.load(path, mmap_mode="r")
