"""Which periods teach, and which are forecast. Positions are grid positions of a panel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from restock.types.panel import IntArray


@dataclass(frozen=True)
class Fold:
    """One training cut and the forecast origins that are scored after it.

    ::

        history ............ train_end = first origin | H targets | origin 2 | H targets ...

    Attributes:
        role: ``tune`` folds choose settings; ``test`` folds are only reported.
        train_end: Last position a training target may take, per series. Shape ``(N,)``.
        origins: Last known position for each forecast, per series; -1 where the series takes
            no part. Shape ``(num_origins, N)``.
    """

    role: Literal["tune", "test"]
    train_end: IntArray
    origins: IntArray


@dataclass(frozen=True)
class Folds:
    """All folds of one evaluation: tuning folds end where the test begins.

    Attributes:
        horizon: Periods per forecast, H.
        tuning: Folds that may choose settings, oldest first. May be empty.
        test: The fold that is reported.
        notes: What a person should know, such as "1 tuning fold instead of 2".
        short_series: Series too short to be tested, which are forecast all the same.
    """

    horizon: int
    tuning: tuple[Fold, ...]
    test: Fold
    notes: tuple[str, ...] = ()
    short_series: tuple[str, ...] = ()

    @property
    def cut(self) -> str:
        """Identify what the final model is trained on: the horizon and where its targets end."""
        return _digest(np.array([self.horizon]), self.test.train_end)

    @property
    def tuning_cut(self) -> str:
        """Identify what settings are chosen on."""
        parts = [array for fold in self.tuning for array in (fold.train_end, fold.origins)]
        return _digest(np.array([self.horizon]), *parts)


def _digest(*arrays: IntArray) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
    return total.hexdigest()
