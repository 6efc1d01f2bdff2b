"""Elimination of features on the tuning folds. Targets of the test are never used."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from restock.evaluation.bands import Rows, loss_of, sums
from restock.evaluation.explain import permutation_importance, picked_rows, sample
from restock.evaluation.selection import forecasts_from
from restock.features.names import optional_features
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, train_all
from restock.forecasters.lstm.schedule import budget
from restock.settings.recipe import Recipe
from restock.settings.selection import SelectionSettings
from restock.training.fold_features import fit_fold_features
from restock.types.folds import Folds
from restock.types.panel import DemandPanel, FloatArray


@dataclass(frozen=True)
class Assessment:
    """The loss with a set of features.

    Attributes:
        loss: Loss on the tuning folds.
        importance: Increase of this loss without each feature, by name.
    """

    loss: float
    importance: Mapping[str, float]


@dataclass(frozen=True)
class Selection:
    """All steps of an elimination.

    Attributes:
        settings: Settings of the elimination.
        assessments: One for each step. The first step has all features.
        left_out: All features left out at each step; they include those of the step before.
    """

    settings: SelectionSettings
    assessments: tuple[Assessment, ...]
    left_out: tuple[tuple[str, ...], ...]

    @property
    def kept(self) -> int:
        """The last step whose loss is above the lowest by at most ``settings.tolerance``."""
        losses = [assessment.loss for assessment in self.assessments]
        most = (1 + self.settings.tolerance) * min(losses)
        return max(step for step, loss in enumerate(losses) if loss <= most)

    def table(self) -> pd.DataFrame:
        """Return one row per step: number of features, loss, whether it is kept, dropped ones."""
        before = (self.left_out[0], *self.left_out)
        rows = [
            {
                "step": step,
                "features": len(assessment.importance),
                "loss": assessment.loss,
                "kept": step == self.kept,
                "dropped": "; ".join(name for name in gone if name not in already),
            }
            for step, (assessment, gone, already) in enumerate(
                zip(self.assessments, self.left_out, before, strict=False)
            )
        ]
        return pd.DataFrame(rows)


def eliminate(
    settings: SelectionSettings,
    assess: Callable[[tuple[str, ...]], Assessment],
    told: Callable[[int, Assessment], None],
    start: Sequence[str] = (),
) -> Selection:
    """Drop a share of the features, the least important ones, step by step until one is left.

    Args:
        settings: The share, and whether features are ranked again at each step.
        assess: Takes the features to leave out, and returns the loss with the others.
        told: Is called after each step with its number, from 0.
        start: Features that are left out from the start.
    """
    left_out = [tuple(start)]
    assessments = [assess(left_out[0])]
    told(0, assessments[0])
    while len(assessments[-1].importance) > 1:
        ranking = assessments[-1 if settings.method == "elimination" else 0].importance
        ranked = sorted(assessments[-1].importance, key=lambda name: (ranking[name], name))
        dropped = ranked[: int(np.ceil(settings.share_dropped * len(ranked)))]
        left_out.append((*left_out[-1], *dropped[: len(ranked) - 1]))
        assessments.append(assess(left_out[-1]))
        told(len(assessments) - 1, assessments[-1])
    return Selection(settings, tuple(assessments), tuple(left_out))


def assess_features(
    recipe: Recipe, panel: DemandPanel, folds: Folds, num_threads: int
) -> Assessment:
    """Train on each tuning fold; score with all features and without each one.

    Args:
        recipe: Settings of the training, with the features to leave out.
        panel: The whole panel. Each network reads nothing after its fold's training end.
        folds: Tuning folds, at least one.
        num_threads: Threads inside one operation.
    """
    backend.prepare(recipe.seed, num_threads)
    features = fit_fold_features(panel, folds, recipe.features, recipe.model.likelihood)
    schedule = budget(recipe.training, panel, folds.test.train_end)
    ensembles = [
        LstmEnsemble(recipe, folds.horizon, panel, fold.train_end, fitted, schedule=schedule)
        for fold, fitted in zip(folds.tuning, features, strict=True)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in train_all(ensembles, schedule.lengths[-1], pool):
            pass
    plain = Combination.plain(np.array(recipe.model.quantile_levels))
    every: list[FloatArray] = []
    tables = []
    for ensemble, fold in zip(ensembles, folds.tuning, strict=True):
        rows = Rows.of(recipe.evaluation, panel, fold, folds.horizon)
        every += map(sums, forecasts_from(ensemble.predict, fold), rows)
        network = ensemble.on_panel()
        samples = [sample(network, {}, *picked) for picked in picked_rows(fold)]
        found = permutation_importance(network, plain, samples, seed=recipe.seed)
        tables.append(found.set_index("input")["wql_rise"])
    mean = pd.concat(tables, axis=1).mean(axis=1)
    names = optional_features(ensembles[0].state)
    loss = loss_of(np.sum(every, axis=0), folds.horizon)
    return Assessment(loss, {name: float(mean[name]) for name in names})
