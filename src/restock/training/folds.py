"""Fold training: the networks of all tuning folds, trained side by side and scored at lengths."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from restock.evaluation.bands import Rows, loss_of, sums
from restock.evaluation.selection import forecasts_from
from restock.features.fitted import FittedFeatures
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, part_of, train_all
from restock.forecasters.lstm.schedule import budget
from restock.seeding import child_seed
from restock.settings.recipe import Recipe
from restock.training.outcome import Measured
from restock.types.folds import Folds
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray

WORSE = 1.02  # a longer training is not tried where the loss is this times the lowest


class FoldTraining:
    """One configuration in training on all tuning folds (and seeds) side by side.

    Attributes:
        schedule: The lengths that may be measured.
        rows: What is scored in each fold: the rows of each origin.
        sums: The two sums of each fold, by band, at each length so far, mean over the seeds; see
            :func:`bands.sums`. Each ``(F, 2, B)``.
        forecasts: Each fold's forecasts from its origins at the last length, by the first seed.
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
        self.panel, self.folds, self.horizon = panel, folds.tuning, folds.horizon
        # The budget is that of the final training, so that lengths mean the same there.
        self.schedule = budget(recipe.training, panel, folds.test.train_end)
        seeds = [recipe.seed, *(child_seed(recipe.seed, "repeat", r) for r in range(1, num_seeds))]
        self.ensembles = [
            LstmEnsemble(
                seeded, folds.horizon, panel, fold.train_end, fitted, schedule=self.schedule
            )
            for seeded in (recipe.model_copy(update={"seed": seed}) for seed in seeds)
            for fold, fitted in zip(folds.tuning, features, strict=True)
        ]
        self.rows = [Rows.of(recipe.evaluation, panel, f, folds.horizon) for f in folds.tuning]
        self.sums: list[FloatArray] = []
        self.forecasts: list[list[DemandForecast]] = []

    @property
    def measured(self) -> list[Measured]:
        """What was found at each length so far."""
        lengths, most = self.schedule.lengths, self.schedule.lengths[-1]
        return [
            Measured(
                steps,
                steps / most,
                loss_of(both.sum(axis=0), self.horizon),
                tuple(loss_of(own, self.horizon) for own in both),
                self.rows[0][0].loss,
            )
            for steps, both in zip(lengths, self.sums, strict=False)
        ]

    @property
    def next_length(self) -> int | None:
        """The next length to measure; None if there is none, or longer is clearly worse."""
        curve = [found.loss for found in self.measured]
        if len(curve) == len(self.schedule.lengths):
            return None
        past_best = bool(curve) and curve[-1] > WORSE * min(curve)
        return None if past_best else self.schedule.lengths[len(curve)]

    def train(self, length: int, pool_size: int | None) -> Iterator[list[float]]:
        """Train up to a length and score the networks there.

        Args:
            length: :attr:`next_length`.
            pool_size: Networks that train at the same time; None: one for each processor.

        Yields:
            The training losses of the next steps, before the networks are scored.
        """
        with ThreadPoolExecutor(pool_size or os.cpu_count()) as pool:
            yield from train_all(self.ensembles, length, pool)
            self._score(pool)

    def _score(self, pool: ThreadPoolExecutor) -> None:
        folds = self.folds
        predicting = [ensemble.predict for ensemble in self.ensembles]
        seeds = len(self.ensembles) // len(folds)
        forecasts = list(pool.map(forecasts_from, predicting, folds * seeds))
        found = [
            np.sum([sums(*pair) for pair in zip(made, self.rows[at % len(folds)], strict=True)], 0)
            for at, made in enumerate(forecasts)
        ]
        self.sums.append(np.reshape(found, (-1, len(folds), *found[0].shape)).mean(axis=0))
        self.forecasts = forecasts[: len(self.folds)]

    def progress(self) -> dict[str, np.ndarray]:
        """Return all that is needed to resume, by name."""
        arrays = {"sums": np.array(self.sums)}
        for number, ensemble in enumerate(self.ensembles):
            arrays |= {f"{number}/{name}": v for name, v in ensemble.progress().items()}
        return arrays

    def restore(self, progress: Mapping[str, np.ndarray]) -> None:
        """Resume from the arrays of :meth:`progress`."""
        self.sums = list(progress["sums"])
        for number, ensemble in enumerate(self.ensembles):
            ensemble.restore(part_of(progress, f"{number}/"))
