"""Estimate the time of a sweep before it is launched: `restock tune --dry-run`."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
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

FEW_FOLDS = 6  # with fewer folds, Wilcoxon's test can never be significant


def run(context: Context[PreflightView], _: Arguments) -> Parts:
    """Train the configured values for two epochs, and return an estimate for the sweep.

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
    usable = int((folds.tuning[-1].origins[0] >= 0).sum())
    search, engine = settings.search, settings.engine
    setup, epoch = _probe(settings, panel, folds)
    trial = setup + epoch * settings.training.max_epochs
    total = trial * search.num_trials / engine.num_workers
    workers = f"{engine.num_workers} worker(s)"
    return [
        ("Series", f"{usable} of {panel.num_series} are scored in the last tuning fold"),
        ("Tuning folds", f"{len(folds.tuning)}, {search.num_seeds} seed(s) each"),
        ("Trials", f"{search.num_trials}, up to {settings.training.max_epochs} epochs each"),
        ("Measured", f"{setup:.1f} s to build, {epoch:.1f} s per epoch, with configured values"),
        ("Estimate", f"{timedelta(seconds=round(total))} with {workers}, if nothing is pruned"),
    ]


def _probe(settings: PreflightView, panel: DemandPanel, folds: Folds) -> tuple[float, float]:
    """Return the seconds to build a trial's networks, and to train them for one epoch."""
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
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        training.run_epoch(pool)  # the first one also traces the network, which takes time
        first = time.perf_counter()
        training.run_epoch(pool)
    epoch = time.perf_counter() - first
    return max(first - started - epoch, 0.0), epoch


def _warnings(tuner: TunerSettings, num_folds: int) -> list[str]:
    if tuner.pruner == "wilcoxon" and num_folds < FEW_FOLDS:
        return [f"search.tuner.pruner=wilcoxon cannot prune with {num_folds} folds: it needs 6"]
    return []
