"""Panel, folds and features of a sweep. They are made once, and all trials share them."""

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
    """The data that every trial of a sweep trains on.

    Attributes:
        panel: The whole panel. Each network reads nothing after its fold's training end.
        folds: The folds; trials are scored on the tuning folds.
        features: Features of each tuning fold.
    """

    panel: DemandPanel
    folds: Folds
    features: Sequence[FittedFeatures]


def save(data: SweepData, path: Path) -> None:
    """Write the data so that processes can map it into memory and share it."""
    with replacing(path) as aside:
        joblib.dump(data, aside)


def load(path: Path) -> SweepData:
    """Map data that :func:`save` wrote. Its arrays are read-only and shared between processes."""
    return joblib.load(path, mmap_mode="r")
