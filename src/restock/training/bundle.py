"""From a recipe, a panel and its folds to a fitted bundle: what stages and notebooks train with.

recipe = Recipe.suited_to(panel.frequency, training={"max_epochs": 5})
fitted = fit_bundle(recipe, panel, folds)
forecast = fitted.predict(panel, origins)
fitted.save(folder)
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restock.features.fitted import FittedFeatures
from restock.forecasters.baselines.forest import FittedTrees
from restock.forecasters.baselines.make import boosted_trees, make_baselines
from restock.forecasters.bundle import Manifest, others_of
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, run_epochs
from restock.forecasters.lstm.save import save_bundle
from restock.forecasters.names import BOOSTED_TREES
from restock.settings.recipe import Recipe
from restock.training.combination import held_out_wql, learn_combination, rehearse
from restock.training.fold_features import fit_fold_features
from restock.training.folds import FoldTraining
from restock.training.outcome import Outcome
from restock.training.report import Report, Silent
from restock.types.folds import Folds
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray


@dataclass(frozen=True)
class Rehearsed:
    """What the tuning folds settle.

    Attributes:
        epochs: How long the final network is trained.
        combination: What is done to its forecasts.
        wql: Weighted quantile loss on the tuning folds; None where there is none.
    """

    epochs: int
    combination: Combination
    wql: float | None


@dataclass(frozen=True)
class FittedBundle:
    """A trained network with all that its forecasts are made of, not yet on disk.

    Attributes:
        ensemble: The networks, trained on everything before the test.
        trees: The boosted trees that are mixed in, if they are.
        rehearsed: What the tuning folds have settled.
        losses: Mean training loss of each epoch.
        cut: Of the folds; see :class:`Manifest`.
    """

    ensemble: LstmEnsemble
    trees: FittedTrees | None
    rehearsed: Rehearsed
    losses: tuple[float, ...]
    cut: str

    @property
    def recipe(self) -> Recipe:
        """What it was trained with."""
        return self.ensemble.recipe

    @property
    def horizon(self) -> int:
        """Periods it forecasts, H."""
        return self.ensemble.horizon

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast from each series' origin, as the saved bundle will; see FittedForecaster."""
        return self.rehearsed.combination.forecast(
            panel, origins, network=self.ensemble.fitted().predict, others=self._others
        )

    def save(self, folder: Path, data_digest: str = "") -> Manifest:
        """Write a bundle that forecasts without Keras; all of its files or none.

        Args:
            folder: The bundle's.
            data_digest: Of the saved panel, where there is one.
        """
        return save_bundle(
            self.ensemble,
            folder,
            combination=self.rehearsed.combination,
            trees=self.trees,
            cut=self.cut,
            tuning_wql=self.rehearsed.wql,
            data_digest=data_digest,
        )

    def _others(self, panel: DemandPanel, origins: IntArray) -> dict[str, DemandForecast]:
        levels = np.array(self.recipe.model.quantile_levels)
        mixed_in = others_of(
            self.rehearsed.combination,
            self.recipe.evaluation.baselines,
            self.horizon,
            levels,
            self.trees,
        )
        return {name: model.predict(panel, origins) for name, model in mixed_in.items()}


def fit_bundle(
    recipe: Recipe,
    panel: DemandPanel,
    folds: Folds,
    report: Report | None = None,
    *,
    epochs: int | None = None,
    features: FittedFeatures | None = None,
    num_threads: int = 1,
) -> FittedBundle:
    """Train on everything before the test; the tuning folds settle how long, and what is mixed in.

    Args:
        recipe: What is trained.
        panel: The whole panel; nothing after the test's first origin is learned from.
        folds: Where it is cut.
        report: Told of every epoch; what it raises ends the training.
        epochs: How long, where that is known already; None: the best epoch of the tuning folds.
        features: Of the final network's cut, where they are made already.
        num_threads: Threads inside one operation; 0: the backend's choice.

    Raises:
        DataError: If the likelihood is one of counts and the demand is not.
        DivergedError: If the loss is not finite.
    """
    report = report or Silent()
    rehearsed = _rehearse(recipe, panel, folds, report, epochs=epochs, num_threads=num_threads)
    backend.prepare(recipe.seed, num_threads)
    train_end = folds.test.train_end
    ensemble = LstmEnsemble(recipe, folds.horizon, panel, train_end, features)
    losses = _train(ensemble, rehearsed.epochs, report)
    trees = _trees(recipe, panel, folds, rehearsed.combination)
    return FittedBundle(ensemble, trees, rehearsed, losses, folds.cut)


def train_on_folds(
    training: FoldTraining, epochs: int, report: Report, *, last: bool
) -> tuple[Outcome, list[DemandForecast]]:
    """Train for some epochs and score after each.

    Args:
        training: Fresh networks of the tuning folds.
        epochs: How many.
        report: Told the mean over the folds after each epoch.
        last: Whether the last epoch counts; else the best one does.

    Returns:
        What was measured, and each fold's forecasts after the epoch that counts.
    """
    kept: list[DemandForecast] = []
    report.begin("tuning folds", epochs)
    for epoch in training.epochs(epochs, None):
        curve = training.curve
        if last or curve[-1] <= min(curve):
            kept = training.forecasts
        report.epoch(epoch, curve[-1])
    best = epochs - 1 if last else int(np.argmin(training.curve))
    return training.outcome(best), kept


def _rehearse(
    recipe: Recipe,
    panel: DemandPanel,
    folds: Folds,
    report: Report,
    *,
    epochs: int | None,
    num_threads: int,
) -> Rehearsed:
    """Train on the tuning folds, and learn there what is done to the network's forecasts."""
    levels, most = np.array(recipe.model.quantile_levels), recipe.training.max_epochs
    if not folds.tuning:
        return Rehearsed(most, Combination.plain(levels), None)
    features = fit_fold_features(panel, folds, recipe.features, recipe.model.likelihood)
    training = FoldTraining(recipe, panel, folds, features, num_threads=num_threads)
    outcome, forecasts = train_on_folds(training, epochs or most, report, last=epochs is not None)
    if not recipe.training.combine:
        return Rehearsed(outcome.best_epoch, Combination.plain(levels), outcome.value)
    others = make_baselines(
        recipe.evaluation.baselines, folds.horizon, recipe.features, levels, recipe.seed
    )
    rehearsals = [
        rehearse(forecast, others, panel, fold)
        for fold, forecast in zip(folds.tuning, forecasts, strict=True)
    ]
    return Rehearsed(outcome.best_epoch, learn_combination(rehearsals), held_out_wql(rehearsals))


def _train(ensemble: LstmEnsemble, epochs: int, report: Report) -> tuple[float, ...]:
    """Train for so many epochs; return the mean loss of each."""
    losses: list[float] = []
    report.begin("training", epochs)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for epoch in range(epochs):
            losses += run_epochs([ensemble], pool)
            report.epoch(epoch, losses[-1])
    return tuple(losses)


def _trees(
    recipe: Recipe, panel: DemandPanel, folds: Folds, combination: Combination
) -> FittedTrees | None:
    """Fit the boosted trees that are mixed in, if they are, on what the network is fitted on."""
    if BOOSTED_TREES not in combination.weights:
        return None
    levels = np.array(recipe.model.quantile_levels)
    settings = recipe.evaluation.baselines
    trees = boosted_trees(settings, folds.horizon, recipe.features, levels, recipe.seed)
    return trees.fit(panel, folds.test.train_end)
