"""Folds: which periods are used to train, and which are forecast.

A position is a grid position: the index of a period in the panel.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from restock.types.panel import DemandPanel, FloatArray, IntArray


@dataclass(frozen=True)
class Fold:
    """One training end, and the origins that are forecast with the model trained up to it.

    ::

        history ............ train_end = first origin | H targets ...
                                    second origin | H targets ... | target_end

    Attributes:
        role: ``tune`` folds choose settings; ``test`` folds are only reported.
        train_end: Last position of a training target, per series; -1 where the series takes no
            part. Shape ``(N,)``.
        origins: Last position that a forecast may read, per series; -1 where the series takes
            no part. Shape ``(num_origins, N)``.
        target_end: Last position of a target that may be scored, per series. Later targets of the
            origins belong to another fold, and are not read. Shape ``(N,)``.
    """

    role: Literal["tune", "test"]
    train_end: IntArray
    origins: IntArray
    target_end: IntArray

    def take(self, rows: IntArray) -> Fold:
        """Return the fold of some series."""
        return Fold(self.role, self.train_end[rows], self.origins[:, rows], self.target_end[rows])

    def actuals(
        self, panel: DemandPanel, number: int, horizon: int, rows: IntArray | None = None
    ) -> FloatArray:
        """Return actual demand after one of the origins; NaN after ``target_end``.

        Args:
            panel: The whole panel.
            number: Number of the origin, from 0.
            horizon: Periods after the origin, H.
            rows: Row numbers of the series. None: all series, R = N. Shape ``(R,)``.

        Returns:
            Demand in units; see :meth:`DemandPanel.actuals`. Shape ``(R, H)``.
        """
        kept = slice(None) if rows is None else rows
        return panel.actuals(self.origins[number][kept], horizon, rows, self.target_end[kept])


@dataclass(frozen=True)
class Folds:
    """All folds of one evaluation. The tuning folds end where the test begins.

    Attributes:
        horizon: Periods per forecast, H.
        tuning: Folds that may choose settings, oldest first. May be empty.
        test: The fold that is reported.
        notes: Messages for the user, such as "1 tuning fold instead of 2".
        short_series: Names of series that are too short to test. The model forecasts them anyway.
    """

    horizon: int
    tuning: tuple[Fold, ...]
    test: Fold
    notes: tuple[str, ...] = ()
    short_series: tuple[str, ...] = ()

    def take(self, rows: IntArray) -> Folds:
        """Return the folds of some series."""
        tuning = tuple(fold.take(rows) for fold in self.tuning)
        return replace(self, tuning=tuning, test=self.test.take(rows))

    @property
    def cut(self) -> str:
        """Digest of the horizon and of where the test fold ends the training of each series."""
        return _digest(np.array([self.horizon]), self.test.train_end)

    @property
    def tuning_cut(self) -> str:
        """Digest of the horizon and of the tuning folds, on which settings are chosen."""
        parts = [
            array
            for fold in self.tuning
            for array in (fold.train_end, fold.origins, fold.target_end)
        ]
        return _digest(np.array([self.horizon]), *parts)


def _digest(*arrays: IntArray) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
    return total.hexdigest()
