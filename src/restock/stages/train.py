"""Stage train: fit the network on everything before the test and save the bundle."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from restock.data.files import read_json, write_json
from restock.data.store import load_panel, panel_digest, write_table
from restock.errors import ConfigError
from restock.evaluation.selection import folds_with_demand
from restock.features.build import feature_source
from restock.features.fitted import Prepared
from restock.features.state import read_state
from restock.forecasters.baselines.forest import FittedTrees
from restock.forecasters.baselines.make import boosted_trees, make_baselines
from restock.forecasters.combine import Combination
from restock.forecasters.export import check_export
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, LstmRecipe, run_epochs
from restock.forecasters.lstm.save import save_bundle
from restock.forecasters.names import BOOSTED_TREES
from restock.settings.tree import Settings, replace_at, value_at
from restock.stages.recipe import MADE_FROM, features_made_from
from restock.tracking.context import Context
from restock.training.combination import held_out_wql, learn_combination, rehearse
from restock.training.fold_features import prepare_folds
from restock.training.folds import FoldTraining, train_on_folds
from restock.types import layout
from restock.types.folds import Folds
from restock.types.panel import DemandPanel


@dataclass(frozen=True)
class Rehearsed:
    """What the tuning folds settle: epochs, the combination, and the loss that chose them."""

    epochs: int
    combination: Combination
    wql: float | None


def run(settings: Settings, context: Context) -> None:
    """Write the bundle and its training metrics."""
    check_export()
    panel_folder = context.layout.read(layout.PANEL)
    panel = load_panel(panel_folder)
    folds = folds_with_demand(panel, settings.evaluation)
    settings, epochs = _decide(settings, folds, context)
    rehearsed = _rehearse(settings, panel, folds, epochs, context)
    backend.prepare(settings.seed, settings.engine.num_threads)
    ensemble = LstmEnsemble(
        LstmRecipe.from_settings(settings),
        panel,
        folds.test.train_end,
        _prepared(settings, panel, folds, context),
    )
    losses = _train(ensemble, rehearsed.epochs, context)
    manifest = save_bundle(
        ensemble,
        context.layout.write(layout.BUNDLE),
        combination=rehearsed.combination,
        trees=_trees(settings, panel, folds, rehearsed.combination),
        baselines=settings.evaluation.baselines,
        cut=folds.cut,
        tuning_wql=rehearsed.wql,
        data_digest=panel_digest(panel_folder),
    )
    curve = pd.DataFrame({"epoch": range(1, len(losses) + 1), "loss": losses})
    write_table(context.layout.write(layout.TRAINING_CURVE), curve)
    metrics = {
        "loss": losses[-1],
        "epochs": rehearsed.epochs,
        "tuning_wql": rehearsed.wql,
        "weights": rehearsed.combination.weights,
    }
    write_json(context.layout.write(layout.TRAIN_METRICS), metrics)
    _log(settings, context, manifest.digest, rehearsed)


def _trees(
    settings: Settings, panel: DemandPanel, folds: Folds, combination: Combination
) -> FittedTrees | None:
    """Fit the boosted trees that are mixed in, if they are, on what the network is fitted on."""
    if BOOSTED_TREES not in combination.weights:
        return None
    levels = np.array(settings.model.quantile_levels)
    trees = boosted_trees(settings.evaluation, settings.features, levels, settings.seed)
    return trees.fit(panel, folds.test.train_end)


def _train(ensemble: LstmEnsemble, epochs: int, context: Context) -> list[float]:
    """Train for so many epochs; return the mean loss of each."""
    losses: list[float] = []
    with (
        context.console.progress("training", epochs) as progress,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        for epoch in range(epochs):
            losses += run_epochs([ensemble], pool)
            context.tracker.log_metrics({"loss": losses[-1]}, step=epoch)
            progress.advance(f"loss {losses[-1]:.4f}")
    return losses


def _decide(settings: Settings, folds: Folds, context: Context) -> tuple[Settings, int | None]:
    """Settle which values are trained, and for how many epochs if the tuner has said so.

    With ``training.use_tuned`` the swept values and the epochs are the tuner's. Without it the
    settings stand as they are, and the epochs come from training them on the tuning folds.
    """
    if not settings.training.use_tuned:
        return settings, None
    if not folds.tuning:
        context.console.note("no tuning fold fits: the configured values are trained as they are")
        return settings, None
    tuned = read_json(context.layout.read(layout.TUNING))
    _check_tuned(settings, tuned, folds)
    return replace_at(settings, tuned["best"]), tuned["epochs"]


def _check_tuned(settings: Settings, tuned: dict[str, Any], folds: Folds) -> None:
    """Refuse a tuning result of other folds, and swept values other than those it started from.

    Raises:
        ConfigError: Naming the given and the tuned values.
    """
    if tuned.get("cut") != folds.tuning_cut:
        raise ConfigError(
            f"{layout.TUNING} was tuned on other folds or for another horizon. Tune again, or set "
            "training.use_tuned=false."
        )
    given = {path: value_at(settings, path) for path in tuned["configured"]}
    differing = [
        f"{path}={value} was given, but training.use_tuned=true replaces it by the tuned value "
        f"{tuned['best'][path]}"
        for path, value in given.items()
        if value != tuned["configured"][path]
    ]
    if differing:
        differing.append("Add training.use_tuned=false to train what you say.")
        raise ConfigError("\n".join(differing))


def _rehearse(
    settings: Settings, panel: DemandPanel, folds: Folds, epochs: int | None, context: Context
) -> Rehearsed:
    """Train on the tuning folds, and learn there what is done to the network's forecasts."""
    recipe, levels = LstmRecipe.from_settings(settings), np.array(settings.model.quantile_levels)
    if not folds.tuning:
        return Rehearsed(settings.training.max_epochs, Combination.plain(levels), None)
    with context.console.progress("tuning folds", epochs or recipe.training.max_epochs) as progress:

        def report(epoch: int, value: float) -> None:
            context.tracker.log_metrics({"tuning_wql": value}, step=epoch)
            progress.advance(f"wql {value:.4f}")

        prepared = prepare_folds(panel, folds, recipe.features, recipe.model.likelihood)
        threads = settings.engine.num_threads
        training = FoldTraining(recipe, panel, folds, prepared, num_threads=threads)
        outcome, forecasts = train_on_folds(
            training,
            epochs or recipe.training.max_epochs,
            report=report,
            last=epochs is not None,
        )
    if not settings.training.combine:
        return Rehearsed(outcome.best_epoch, Combination.plain(levels), outcome.value)
    others = make_baselines(settings.evaluation, settings.features, levels, settings.seed)
    rehearsals = [
        rehearse(forecast, others, panel, fold)
        for fold, forecast in zip(folds.tuning, forecasts, strict=True)
    ]
    combination = learn_combination(rehearsals)
    return Rehearsed(outcome.best_epoch, combination, held_out_wql(rehearsals))


def _prepared(
    settings: Settings, panel: DemandPanel, folds: Folds, context: Context
) -> Prepared | None:
    """Use the constants on disk, or return None where other settings need others."""
    folder = context.layout.read(layout.FEATURES)
    wanted = features_made_from(settings, context.layout.read(layout.PANEL), folds)
    if not (folder / MADE_FROM).is_file() or read_json(folder / MADE_FROM) != wanted:
        context.console.note("the features on disk were made from other settings: making them anew")
        return None
    state = read_state(folder / "state.json")
    return state, feature_source(panel, settings.features, state, settings.evaluation.horizon)


def _log(settings: Settings, context: Context, bundle: str, rehearsed: Rehearsed) -> None:
    swept = [dimension.path for dimension in settings.search.space.values()]
    context.tracker.log_params({path: value_at(settings, path) for path in swept})
    context.tracker.log_params({"epochs": rehearsed.epochs, "seed": settings.seed})
    weights = rehearsed.combination.weights
    context.tracker.log_metrics({f"weight.{name}": weight for name, weight in weights.items()})
    if rehearsed.wql is not None:
        context.tracker.log_metrics({"best_tuning_wql": rehearsed.wql})
    context.tracker.set_tags({"restock.bundle": bundle})
    for path in (layout.BUNDLE, layout.TRAIN_METRICS, layout.TRAINING_CURVE):
        context.tracker.log_artifact(context.layout.write(path))
    if settings.training.use_tuned:
        context.tracker.log_artifact(context.layout.read(layout.TUNING))
    mixed = ", ".join(f"{name} {weight:.0%}" for name, weight in weights.items())
    context.console.note(f"trained {rehearsed.epochs} epochs: {mixed}; bundle {bundle[:12]}")
