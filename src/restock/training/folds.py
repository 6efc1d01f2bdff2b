"""Fold training: the networks of all tuning folds, trained side by side epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from restock.evaluation.selection import forecast_wql
from restock.features.fitted import FittedFeatures
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, part_of, run_epochs
from restock.seeding import child_seed
from restock.settings.recipe import Recipe
from restock.training.outcome import Outcome
from restock.types.folds import Folds
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray


class FoldTraining:
    """One configuration in training on all tuning folds (and seeds) side by side.

    Attributes:
        fold_curves: Loss of each fold after each epoch, mean over the seeds.
        forecasts: Each fold's forecasts after the last epoch, by the first seed.
    """

    def __init__(
        self,
        recipe: Recipe,
        panel: DemandPanel,
        folds: Folds,
        features: Sequence[FittedFeatures],
        *,
        num_threads: int,
        num_seeds: int = 1,
    ) -> None:
        """Build new networks: one ensemble for each fold and seed.

        Args:
            recipe: Settings of the training.
            panel: The whole panel. Each network reads nothing after its fold's training end.
            folds: Tuning folds, at least one.
            features: Features of each tuning fold.
            num_threads: Threads inside one operation.
            num_seeds: Number of seeds; the first one is the recipe's own.
        """
        backend.prepare(recipe.seed, num_threads)
        self.panel, self.folds = panel, folds.tuning
        seeds = [recipe.seed, *(child_seed(recipe.seed, "repeat", r) for r in range(1, num_seeds))]
        self.ensembles = [
            LstmEnsemble(seeded, folds.horizon, panel, fold.train_end, fitted)
            for seeded in (recipe.model_copy(update={"seed": seed}) for seed in seeds)
            for fold, fitted in zip(folds.tuning, features, strict=True)
        ]
        self.fold_curves: list[list[float]] = [[] for _ in folds.tuning]
        self.forecasts: list[DemandForecast] = []

    @property
    def curve(self) -> list[float]:
        """Mean loss over the folds after each epoch."""
        return [float(np.mean(losses)) for losses in zip(*self.fold_curves, strict=True)]

    def epochs(self, total: int, pool_size: int | None) -> Iterator[int]:
        """Train up to a number of epochs. After each is scored, yield its number, from 0.

        Args:
            total: Number of epochs, including those that were restored.
            pool_size: Networks that train at the same time; None: one for each processor.
        """
        with ThreadPoolExecutor(pool_size or os.cpu_count()) as pool:
            for epoch in range(len(self.curve), total):
                self.run_epoch(pool)
                yield epoch

    def run_epoch(self, pool: ThreadPoolExecutor) -> None:
        """Train every network for one epoch and score it."""
        run_epochs(self.ensembles, pool)
        folds = [self.folds[at % len(self.folds)] for at in range(len(self.ensembles))]
        origins = [taking_part(fold.origins[0]) for fold in folds]
        forecasts = list(pool.map(LstmEnsemble.predict, self.ensembles, origins))
        losses = [
            forecast_wql(forecast, self.panel, fold)
            for forecast, fold in zip(forecasts, folds, strict=True)
        ]
        by_fold = np.reshape(losses, (-1, len(self.folds))).mean(axis=0)
        for own, loss in zip(self.fold_curves, by_fold, strict=True):
            own.append(float(loss))
        self.forecasts = forecasts[: len(self.folds)]

    def progress(self) -> dict[str, np.ndarray]:
        """Return all that is needed to resume, by name."""
        arrays = {"curves": np.array(self.fold_curves)}
        for number, ensemble in enumerate(self.ensembles):
            arrays |= {f"{number}/{name}": v for name, v in ensemble.progress().items()}
        return arrays

    def restore(self, progress: Mapping[str, np.ndarray]) -> None:
        """Resume from the arrays of :meth:`progress`."""
        self.fold_curves = progress["curves"].tolist()
        for number, ensemble in enumerate(self.ensembles):
            ensemble.restore(part_of(progress, f"{number}/"))

    def outcome(self, best: int) -> Outcome:
        """Return the outcome if the epoch at position ``best`` is used."""
        curve = self.curve
        return Outcome(curve[best], best + 1, tuple(curve), tuple(map(tuple, self.fold_curves)))


def taking_part(origins: IntArray) -> IntArray:
    """Give series that take no part (-1) the origin 0, so that every row has a forecast."""
    return np.maximum(origins, 0)
