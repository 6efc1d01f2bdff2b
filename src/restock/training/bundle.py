"""From a recipe, a panel and its folds to a fitted bundle. Stages and notebooks train with this.

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
    """What is decided on the tuning folds.

    Attributes:
        epochs: Number of epochs of the final training.
        combination: How the network's forecasts are mixed and calibrated.
        wql: Weighted quantile loss on the tuning folds; None if there are no tuning folds.
    """

    epochs: int
    combination: Combination
    wql: float | None


@dataclass(frozen=True)
class FittedBundle:
    """A trained network with all that its forecasts need, not yet saved.

    Attributes:
        ensemble: The networks, trained on all periods before the test.
        trees: The boosted trees, if they are mixed in.
        rehearsed: What was decided on the tuning folds.
        losses: Mean training loss of each epoch.
        cut: Digest of the cut of the folds; see :class:`Manifest`.
    """

    ensemble: LstmEnsemble
    trees: FittedTrees | None
    rehearsed: Rehearsed
    losses: tuple[float, ...]
    cut: str

    @property
    def recipe(self) -> Recipe:
        """Settings of the training."""
        return self.ensemble.recipe

    @property
    def horizon(self) -> int:
        """Periods it forecasts, H."""
        return self.ensemble.horizon

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast the H periods after each series' origin, as the saved bundle does.

        Args:
            panel: History and known future of the series.
            origins: Last known grid position per series; at least 0. Shape ``(N,)``.

        Returns:
            Quantiles of each step and of the running total, in units.
        """
        return self.rehearsed.combination.forecast(
            panel, origins, network=self.ensemble.fitted().predict, others=self._others
        )

    def save(self, folder: Path, data_digest: str = "") -> Manifest:
        """Write a bundle that forecasts without Keras: all of its files or none.

        Args:
            folder: Folder of the bundle. An older bundle there is replaced.
            data_digest: Digest of the saved panel, if there is one, for the manifest.

        Returns:
            The manifest: what the bundle contains and what it was made from.

        Raises:
            DiskFullError: If there is no space. The folder is then unchanged.
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
    """Train a network on all periods before the test, and learn how its forecast is mixed.

    First, networks are trained on the tuning folds. They decide the number of epochs, the weights
    of the baselines in the forecast and its calibration. Then the final network is trained.

    Args:
        recipe: All settings of the training.
        panel: The whole panel. Demand after the test's first origin is not read.
        folds: Where the panel is cut. Without tuning folds, all epochs are trained and the forecast
            is the network's alone.
        report: Is called at every epoch. An error that it raises ends the training.
        epochs: Number of epochs, if it is known. None: the best one on the tuning folds.
        features: Features with the test's training end, if they exist. None: they are made here.
        num_threads: Threads inside one operation; 0: the backend chooses.

    Returns:
        A forecaster with ``predict(panel, origins)`` and ``save(folder)``.

    Raises:
        DataError: If no series has enough history, or the likelihood is a distribution of counts
            and demand is not in whole units.
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
    """Train on the tuning folds, and score the networks after each epoch.

    Args:
        training: New networks of the tuning folds.
        epochs: Number of epochs.
        report: Gets the mean loss over the folds after each epoch.
        last: Whether the last epoch is used; else the one with the lowest loss.

    Returns:
        The losses, and each fold's forecasts after the epoch that is used.
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
    """Train on the tuning folds. Learn the number of epochs, the weights and the calibration."""
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
    """Train for a number of epochs, and return the mean loss of each."""
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
    """If boosted trees are mixed in, fit them on the same periods as the network."""
    if BOOSTED_TREES not in combination.weights:
        return None
    levels = np.array(recipe.model.quantile_levels)
    settings = recipe.evaluation.baselines
    trees = boosted_trees(settings, folds.horizon, recipe.features, levels, recipe.seed)
    return trees.fit(panel, folds.test.train_end)
