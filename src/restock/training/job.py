"""A whole training, from files to files: load, fit, save, log."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from restock.data.files import read_json, write_json
from restock.data.store import load_panel, panel_digest, write_table
from restock.evaluation.selection import folds_with_demand
from restock.features.fitted import FittedFeatures, with_state
from restock.features.state import load_constants, made_from
from restock.forecasters.export import check_export
from restock.settings.base import narrowed, value_at
from restock.settings.recipe import Recipe
from restock.tracking.protocol import Tracker
from restock.training.bundle import FittedBundle, fit_bundle
from restock.training.refits import write_refits
from restock.training.report import Report
from restock.training.tuned import tuned_recipe
from restock.training.view import TrainingView
from restock.types import layout
from restock.types.folds import Folds
from restock.types.layout import Layout
from restock.types.panel import DemandPanel

Say = Callable[[str], None]
LAST = 20  # steps whose mean is the training loss that is reported


def train(settings: TrainingView, files: Layout, run: Tracker, report: Report, say: Say) -> None:
    """Write the bundle and its training metrics.

    Args:
        settings: Settings of the training and of the folds.
        files: Folder of the panel, and folder for the bundle.
        run: The run that results are logged in.
        report: Is told the progress.
        say: Prints messages for the user.

    Raises:
        ConfigError: If the tuner's result is for other folds or values, or TensorFlow, which
            exports the network, is not installed.
    """
    check_export()
    panel = load_panel(files.read(layout.PANEL))
    folds = folds_with_demand(panel, settings.evaluation)
    recipe, steps = _recipe(settings, folds, files, say)
    data = panel_digest(files.read(layout.PANEL))
    fitted = fit_bundle(
        recipe,
        panel,
        folds,
        report,
        steps=steps,
        features=_features(recipe, panel, folds, files, say),
        num_threads=settings.engine.num_threads,
    )
    bundle = fitted.save(files.write(layout.BUNDLE), data).digest
    _write_metrics(fitted, files)
    every = settings.evaluation.refit_every_n_folds
    write_refits(fitted, bundle, panel, folds, every=every, files=files, report=report)
    swept = [dimension.path for dimension in settings.search.space.values()]
    run.log_params({path: value_at(recipe, path) for path in swept})
    _log(fitted, bundle, run)
    if recipe.training.use_tuned:
        run.log_artifact(files.read(layout.TUNING))
    say(f"trained {fitted.rehearsed.steps} steps; bundle {bundle[:12]}")
    say(fitted.rehearsed.choice.why())


def _recipe(
    settings: TrainingView, folds: Folds, files: Layout, say: Say
) -> tuple[Recipe, int | None]:
    """Return the recipe, and the number of steps if the tuner has found it.

    With ``training.use_tuned``, the swept values and the steps are the tuner's. Without it, the
    settings are not changed, and training on the tuning folds will decide the steps.
    """
    recipe = narrowed(Recipe, settings)
    if not recipe.training.use_tuned:
        return recipe, None
    if not folds.tuning:
        say("the history is too short for a tuning fold: training uses the configured values")
        return recipe, None
    return tuned_recipe(recipe, read_json(files.read(layout.TUNING)), folds)


def _features(
    recipe: Recipe, panel: DemandPanel, folds: Folds, files: Layout, say: Say
) -> FittedFeatures | None:
    """Make features with the constants on disk; None if they were made from other settings."""
    digest = panel_digest(files.read(layout.PANEL))
    wanted = made_from(recipe.features, digest, folds.cut)
    state = load_constants(files.read(layout.FEATURES), wanted)
    if state is None:
        say("the features on disk were made from other settings: making them again")
        return None
    return with_state(panel, recipe.features, state, folds.horizon)


def _write_metrics(fitted: FittedBundle, files: Layout) -> None:
    losses, rehearsed = fitted.losses, fitted.rehearsed
    curve = pd.DataFrame({"step": range(1, len(losses) + 1), "loss": losses})
    write_table(files.write(layout.TRAINING_CURVE), curve)
    metrics = {
        "loss": float(np.mean(losses[-LAST:])),
        "steps": rehearsed.steps,
        f"tuning_{rehearsed.choice.by}": rehearsed.loss,
        "weights": rehearsed.choice.combination.weights,
        "choice": rehearsed.choice.record(),
    }
    write_json(files.write(layout.TRAIN_METRICS), metrics)


def _log(fitted: FittedBundle, bundle: str, run: Tracker) -> None:
    rehearsed = fitted.rehearsed
    run.log_params({"steps": rehearsed.steps, "seed": fitted.recipe.seed})
    weights = rehearsed.choice.combination.weights
    run.log_metrics({f"weight.{name}": weight for name, weight in weights.items()})
    if rehearsed.loss is not None:
        run.log_metrics({f"best_tuning_{rehearsed.choice.by}": rehearsed.loss})
    run.set_tags({"restock.bundle": bundle})
