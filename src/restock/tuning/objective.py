"""The objective of a trial: weighted quantile loss on the tuning folds, trained in lockstep."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from restock.evaluation.selection import forecast_wql
from restock.forecasters.likelihoods import require_counts
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import (
    LstmEnsemble,
    LstmRecipe,
    Prepared,
    prepare_features,
    run_epochs,
)
from restock.tuning.results import Outcome
from restock.types.folds import Folds
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray


def prepare_folds(recipe: LstmRecipe, panel: DemandPanel, folds: Folds) -> list[Prepared]:
    """Make each tuning fold's features, once for all trials.

    Raises:
        DataError: If the likelihood is one of counts and the demand is not: no trial could train.
    """
    for fold in folds.tuning:
        require_counts(panel, fold.train_end, recipe.model.likelihood)
    return [prepare_features(recipe, panel, fold.train_end) for fold in folds.tuning]


def train_on_folds(
    recipe: LstmRecipe,
    panel: DemandPanel,
    folds: Folds,
    prepared: Sequence[Prepared],
    *,
    num_threads: int,
    report: Callable[[int, float], None],
    epochs: int | None = None,
) -> tuple[Outcome, list[DemandForecast]]:
    """Train an ensemble per tuning fold, epoch by epoch side by side, and score after each.

    Args:
        recipe: What to train.
        panel: The whole panel; each network sees its fold's past only.
        folds: Tuning folds, at least one.
        prepared: Their features, from :func:`prepare_folds`.
        num_threads: Threads inside one operation.
        report: Told the mean over the folds after each epoch; may raise to stop.
        epochs: Train for so many, the last of which counts; None takes the best of all.

    Returns:
        What was measured, and each fold's forecasts after the epoch that counts.
    """
    backend.prepare(recipe.seed, num_threads)
    ensembles = [
        LstmEnsemble(recipe, panel, fold.train_end, ready)
        for fold, ready in zip(folds.tuning, prepared, strict=True)
    ]
    fold_curves: list[list[float]] = [[] for _ in ensembles]
    curve: list[float] = []
    kept: list[DemandForecast] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for epoch in range(epochs or recipe.training.max_epochs):
            run_epochs(ensembles, pool)
            origins = [fold.origins[0] for fold in folds.tuning]
            forecasts = list(pool.map(LstmEnsemble.predict, ensembles, map(taking_part, origins)))
            for own, forecast, fold in zip(fold_curves, forecasts, folds.tuning, strict=True):
                own.append(forecast_wql(forecast, panel, fold))
            curve.append(float(np.mean([own[-1] for own in fold_curves])))
            if epochs or curve[-1] <= min(curve):
                kept = forecasts
            report(epoch, curve[-1])
    best = len(curve) - 1 if epochs else int(np.argmin(curve))
    return Outcome(curve[best], best + 1, tuple(curve), tuple(map(tuple, fold_curves))), kept


def taking_part(origins: IntArray) -> IntArray:
    """Let series that take no part (-1) look from the first position: every row is answered."""
    return np.maximum(origins, 0)
