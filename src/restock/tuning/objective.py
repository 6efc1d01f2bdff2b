"""The objective of a trial: weighted quantile loss on the tuning folds, trained in lockstep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from restock.evaluation.selection import fold_wql
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmRecipe, LstmTraining, prepare_features
from restock.tuning.results import Outcome
from restock.types.features import FeaturePanel, FeatureState
from restock.types.folds import Fold, Folds
from restock.types.panel import DemandPanel

Prepared = tuple[FeatureState, FeaturePanel]


def prepare_folds(recipe: LstmRecipe, panel: DemandPanel, folds: Folds) -> list[Prepared]:
    """Make each tuning fold's features, once for all trials."""
    return [prepare_features(recipe, panel, fold.train_end) for fold in folds.tuning]


def train_on_folds(
    recipe: LstmRecipe,
    panel: DemandPanel,
    folds: Folds,
    prepared: Sequence[Prepared],
    *,
    num_threads: int,
    report: Callable[[int, float], None],
) -> Outcome:
    """Train one network per tuning fold, epoch by epoch side by side, and score after each.

    Args:
        recipe: What to train.
        panel: The whole panel; each network sees its fold's past only.
        folds: Tuning folds, at least one.
        prepared: Their features, from :func:`prepare_folds`.
        num_threads: Threads inside one operation.
        report: Told the mean over the folds after each epoch; may raise to stop.
    """
    backend.prepare(recipe.seed, num_threads)
    trainings = [
        LstmTraining(recipe, panel, fold.train_end, ready)
        for fold, ready in zip(folds.tuning, prepared, strict=True)
    ]
    curve: list[float] = []
    fold_curves: list[list[float]] = [[] for _ in trainings]

    def advance(training: LstmTraining, fold: Fold) -> float:
        training.run_epoch()
        return fold_wql(training.predict, panel, fold)

    # One thread a fold: the backend lets go of Python while it computes. Each network's numbers
    # depend on its own seed alone, so this changes none of them.
    with ThreadPoolExecutor(len(trainings)) as pool:
        for epoch in range(recipe.training.max_epochs):
            values = list(pool.map(advance, trainings, folds.tuning))
            for own, value in zip(fold_curves, values, strict=True):
                own.append(value)
            curve.append(float(np.mean(values)))
            report(epoch, curve[-1])
    best = int(np.argmin(curve))
    return Outcome(curve[best], best + 1, tuple(curve), tuple(map(tuple, fold_curves)))
