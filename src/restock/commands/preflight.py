"""Estimate the time of a sweep before it is launched: `restock tune --dry-run`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from restock.commands.arguments import Arguments
from restock.commands.views import PreflightView
from restock.data.store import load_panel
from restock.errors import ConfigError
from restock.evaluation.selection import folds_with_demand
from restock.settings.base import narrowed, replace_at
from restock.settings.recipe import Recipe
from restock.settings.search import TunerSettings
from restock.tracking.context import Context
from restock.tracking.protocol import Parts
from restock.training.fold_features import fit_fold_features
from restock.training.folds import FoldTraining
from restock.types import layout
from restock.types.folds import Folds
from restock.types.panel import DemandPanel

TRIED = 20  # gradient steps
FEW_FOLDS = 6  # with fewer folds, Wilcoxon's test can never be significant


def run(context: Context[PreflightView], _: Arguments) -> Parts:
    """Train the configured values for some steps, and return an estimate for the sweep.

    Raises:
        ConfigError: If there is no tuning fold to score a trial on.
    """
    settings = context.settings
    panel = load_panel(context.files.read(layout.PANEL))
    folds = folds_with_demand(panel, settings.evaluation)
    if not folds.tuning:
        raise ConfigError(
            "there is no tuning fold, so that no trial can be scored: the history is too short. "
            "Lower evaluation.horizon or evaluation.num_folds."
        )
    for note in _warnings(settings.search.tuner, len(folds.tuning)):
        context.console.note(note)
    usable = int((folds.tuning[-1].train_end >= 0).sum())
    search, engine = settings.search, settings.engine
    probe = _probe(settings, panel, folds)
    trial = probe.setup + probe.steps * probe.step + probe.lengths * probe.score
    total = trial * search.num_trials / engine.num_workers
    workers = f"{engine.num_workers} worker(s)"
    return [
        ("Series", f"{usable} of {panel.num_series} are scored in the last tuning fold"),
        ("Tuning folds", f"{len(folds.tuning)}, {search.num_seeds} seed(s) each"),
        ("Trials", f"{search.num_trials}, up to {probe.steps} steps each"),
        (
            "Measured",
            f"{probe.setup:.1f} s to build, {1000 * probe.step:.0f} ms per step, "
            f"{probe.score:.1f} s to score, with configured values",
        ),
        ("Estimate", f"{timedelta(seconds=round(total))} with {workers}, if nothing is pruned"),
    ]


@dataclass(frozen=True)
class Probe:
    """What a trial of the configured values takes.

    Attributes:
        setup: Seconds to build its networks.
        step: Seconds for one gradient step of all of them.
        score: Seconds to score them at one length.
        steps: Largest number of steps, those of all branches included.
        lengths: Number of lengths that are scored.
    """

    setup: float
    step: float
    score: float
    steps: int
    lengths: int


def _probe(settings: PreflightView, panel: DemandPanel, folds: Folds) -> Probe:
    """Build the networks of a trial, train and score them twice, and take the times."""
    recipe = replace_at(narrowed(Recipe, settings), {"training.ensemble_size": 1})
    features = fit_fold_features(panel, folds, recipe.features, recipe.model.likelihood)
    started = time.perf_counter()
    training = FoldTraining(
        recipe,
        panel,
        folds,
        features,
        num_threads=settings.engine.num_threads,
        num_seeds=settings.search.num_seeds,
    )
    _timed(training, TRIED)  # the first time also traces the networks, which takes time
    first = time.perf_counter() - started
    taken, stepping, scoring = _timed(training, 2 * TRIED)
    step, lengths = stepping / taken, training.schedule.lengths
    setup = max(first - TRIED * step - scoring, 0.0)
    return Probe(setup, step, scoring, training.schedule.total(lengths[-1]), len(lengths))


def _timed(training: FoldTraining, length: int) -> tuple[int, float, float]:
    """Train up to a length and score; return the steps, their seconds, and those of scoring."""
    started = last = time.perf_counter()
    taken = 0
    for losses in training.train(length, None):
        taken, last = taken + len(losses), time.perf_counter()
    return taken, last - started, time.perf_counter() - last


def _warnings(tuner: TunerSettings, num_folds: int) -> list[str]:
    if tuner.pruner == "wilcoxon" and num_folds < FEW_FOLDS:
        return [f"search.tuner.pruner=wilcoxon cannot prune with {num_folds} folds: it needs 6"]
    return []
