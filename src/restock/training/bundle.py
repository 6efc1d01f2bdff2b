"""From a recipe, a panel and its folds to a fitted bundle. Stages and notebooks train with this.

recipe = Recipe.suited_to(panel.frequency, training={"max_steps": 200})
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
from restock.forecasters.baselines.make import make_baselines
from restock.forecasters.bundle import Manifest
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, train_all
from restock.forecasters.lstm.save import save_bundle
from restock.forecasters.lstm.schedule import budget
from restock.forecasters.names import LSTM
from restock.settings.recipe import Recipe
from restock.training.choice import Choice, choose
from restock.training.combination import rehearse
from restock.training.fold_features import fit_fold_features
from restock.training.folds import FoldTraining
from restock.training.outcome import Outcome
from restock.training.report import Report, Silent
from restock.types.folds import Folds
from restock.types.forecast import DemandForecast, FittedForecaster, Forecaster
from restock.types.panel import DemandPanel, IntArray

# Without a tuning fold, models cannot be compared. Then this robust simple forecast is chosen.
FALLBACK = "moving_median"


@dataclass(frozen=True)
class Rehearsed:
    """What is decided on the tuning folds.

    Attributes:
        steps: Number of gradient steps of the final training.
        choice: What forecasts, and what it was chosen from.
        loss: Loss of what was chosen; None if there are no tuning folds.
    """

    steps: int
    choice: Choice
    loss: float | None


@dataclass(frozen=True)
class FittedBundle:
    """Trained models with all that their forecasts need, not yet saved.

    Attributes:
        ensemble: The networks, trained on all periods before the test.
        others: The other models that forecast or are mixed in, fitted on the same periods.
        rehearsed: What was decided on the tuning folds.
        losses: Training loss of each gradient step, mean over the networks.
        cut: Digest of the cut of the folds; see :class:`Manifest`.
    """

    ensemble: LstmEnsemble
    others: dict[str, FittedForecaster]
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
        return self.rehearsed.choice.combination.forecast(
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
            choice=self.rehearsed.choice.record(),
            combination=self.rehearsed.choice.combination,
            others=self.others,
            cut=self.cut,
            tuning_loss=self.rehearsed.loss,
            data_digest=data_digest,
        )

    def _others(self, panel: DemandPanel, origins: IntArray) -> dict[str, DemandForecast]:
        return {name: model.predict(panel, origins) for name, model in self.others.items()}


def fit_bundle(
    recipe: Recipe,
    panel: DemandPanel,
    folds: Folds,
    report: Report | None = None,
    *,
    steps: int | None = None,
    features: FittedFeatures | None = None,
    num_threads: int = 1,
) -> FittedBundle:
    """Train a network on all periods before the test, and choose what forecasts.

    First, networks are trained on the tuning folds. They decide the number of steps, and whether
    one model or a mix of several forecasts. Then the final network is trained, and the other models
    are fitted.

    Args:
        recipe: All settings of the training.
        panel: The whole panel. Demand after the test's first origin is not read.
        folds: Where the panel is cut. Without tuning folds, all steps are trained, and the forecast
            is that of :data:`FALLBACK`, or the network's alone.
        report: Is told the progress. An error that it raises ends the training.
        steps: Number of gradient steps, if it is known. None: the best one on the tuning folds.
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
    rehearsed = _rehearse(recipe, panel, folds, report, steps=steps, num_threads=num_threads)
    backend.prepare(recipe.seed, num_threads)
    return fit_on(
        recipe, panel, folds.test.train_end, rehearsed,
        horizon=folds.horizon, cut=folds.cut, report=report, features=features,
    )  # fmt: skip


def fit_on(
    recipe: Recipe,
    panel: DemandPanel,
    train_end: IntArray,
    rehearsed: Rehearsed,
    *,
    horizon: int,
    cut: str,
    report: Report,
    features: FittedFeatures | None = None,
) -> FittedBundle:
    """Train the network and fit the other models, as it was decided on the tuning folds.

    Args:
        recipe: All settings of the training.
        panel: The whole panel.
        train_end: Last training position per series; nothing later is read. Shape ``(N,)``.
        rehearsed: What was decided.
        horizon: Periods that are forecast, H.
        cut: See :class:`Manifest`.
        report: Is told the progress.
        features: Features with this training end, if they exist. None: they are made here.
    """
    ensemble = LstmEnsemble(recipe, horizon, panel, train_end, features)
    losses = _train(ensemble, rehearsed.steps, report)
    others = {
        name: model.fit(panel, train_end)
        for name, model in _baselines(recipe, horizon).items()
        if name in rehearsed.choice.combination.weights
    }
    return FittedBundle(ensemble, others, rehearsed, losses, cut)


def train_on_folds(
    training: FoldTraining, report: Report, steps: int | None = None
) -> tuple[Outcome, list[list[DemandForecast]]]:
    """Train on the tuning folds, and score the networks at every length.

    Args:
        training: New networks of the tuning folds.
        report: Gets the losses.
        steps: The only length to train to, if it is known already.

    Returns:
        The losses, and each fold's forecasts at the length with the lowest loss.
    """
    if steps is not None:
        training.schedule = training.schedule.only(steps)
    kept: list[list[DemandForecast]] = []
    lengths = training.schedule.lengths
    report.begin("tuning folds", training.schedule.total(lengths[-1]))
    while (length := training.next_length) is not None:
        for losses in training.train(length, None):
            report.steps(losses)
        found = training.measured
        if found[-1].loss <= min(one.loss for one in found):
            kept = training.forecasts
        report.measured(found[-1])
    return Outcome.of(training.measured), kept


def _rehearse(
    recipe: Recipe,
    panel: DemandPanel,
    folds: Folds,
    report: Report,
    *,
    steps: int | None,
    num_threads: int,
) -> Rehearsed:
    """Train on the tuning folds. Learn the number of steps, the weights and the calibration."""
    levels = np.array(recipe.model.quantile_levels)
    if not folds.tuning:
        most = budget(recipe.training, panel, folds.test.train_end).lengths[-1]
        return Rehearsed(steps or most, _fallback(recipe), None)
    features = fit_fold_features(panel, folds, recipe.features, recipe.model.likelihood)
    training = FoldTraining(recipe, panel, folds, features, num_threads=num_threads)
    outcome, forecasts = train_on_folds(training, report, steps)
    if not recipe.training.combine:
        only = Choice.only(Combination.plain(levels), outcome.name)
        return Rehearsed(outcome.steps, only, outcome.value)
    others = _baselines(recipe, folds.horizon)
    rehearsals = [
        rehearse(made, others, panel, fold, rows)
        for fold, made, rows in zip(folds.tuning, forecasts, training.rows, strict=True)
    ]
    choice = choose(rehearsals)
    return Rehearsed(outcome.steps, choice, choice.loss)


def _train(ensemble: LstmEnsemble, steps: int, report: Report) -> tuple[float, ...]:
    """Train for a number of steps, and return the loss of each."""
    every: list[float] = []
    report.begin("training", steps)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for losses in train_all([ensemble], steps, pool):
            every += losses
            report.steps(losses)
    return tuple(every)


def _fallback(recipe: Recipe) -> Choice:
    """Return what forecasts where nothing can be compared."""
    names = recipe.evaluation.baselines.names if recipe.training.combine else ()
    name = FALLBACK if FALLBACK in names else LSTM
    plain = Combination.plain(np.array(recipe.model.quantile_levels), name)
    return Choice.only(plain, recipe.evaluation.loss, name)


def _baselines(recipe: Recipe, horizon: int) -> dict[str, Forecaster]:
    levels = np.array(recipe.model.quantile_levels)
    settings = recipe.evaluation.baselines
    return make_baselines(settings, horizon, recipe.features, levels, recipe.seed)
