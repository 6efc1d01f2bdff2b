"""Stage train: fit the network on everything before the test and save the bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from restock.config import Settings, replace_at, value_at
from restock.data.store import digest, load_panel, read_json, write_json, write_table
from restock.errors import ConfigError
from restock.evaluation.selection import folds_with_demand
from restock.features.state import read_state
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmRecipe, LstmTraining
from restock.forecasters.lstm.save import save_bundle
from restock.stages.context import Context
from restock.stages.recipe import MADE_FROM, features_made_from
from restock.tuning.objective import prepare_folds, train_on_folds
from restock.types import layout
from restock.types.features import FeaturePanel, FeatureState
from restock.types.folds import Folds
from restock.types.panel import DemandPanel


def run(settings: Settings, context: Context) -> None:
    """Write the bundle and its training metrics."""
    panel_folder = context.layout.read(layout.PANEL)
    panel = load_panel(panel_folder)
    folds = folds_with_demand(panel, settings.evaluation)
    settings, epochs, tuning_wql = _decide(settings, panel, folds, context)
    backend.prepare(settings.seed, settings.engine.num_threads)
    training = LstmTraining(
        LstmRecipe.from_settings(settings),
        panel,
        folds.test.train_end,
        _prepared(settings, folds, context),
    )
    losses = []
    with context.console.progress("training", epochs) as progress:
        for epoch in range(epochs):
            losses.append(training.run_epoch())
            context.tracker.log_metrics({"loss": losses[-1]}, step=epoch)
            progress.advance(f"loss {losses[-1]:.4f}")
    manifest = save_bundle(
        training,
        context.layout.write(layout.BUNDLE),
        cut=folds.cut,
        tuning_wql=tuning_wql,
        data_digest=digest(panel_folder / "panel.parquet"),
    )
    curve = pd.DataFrame({"epoch": range(1, epochs + 1), "loss": losses})
    write_table(context.layout.write(layout.TRAINING_CURVE), curve)
    metrics = {"loss": losses[-1], "epochs": epochs, "tuning_wql": tuning_wql}
    write_json(context.layout.write(layout.TRAIN_METRICS), metrics)
    _log(settings, context, manifest.digest, epochs, tuning_wql)


def _decide(
    settings: Settings, panel: DemandPanel, folds: Folds, context: Context
) -> tuple[Settings, int, float | None]:
    """Settle what is trained and for how many epochs, by the tuning folds alone.

    With ``training.use_tuned`` the swept values and the epochs are the tuner's. Without it the
    settings stand as they are, and the epochs come from training them on the tuning folds.
    """
    if settings.training.use_tuned and not folds.tuning:
        context.console.note("no tuning fold fits: the configured values are trained as they are")
    elif settings.training.use_tuned:
        tuned = read_json(context.layout.read(layout.TUNING))
        _check_tuned(settings, tuned, folds)
        return replace_at(settings, tuned["best"]), tuned["epochs"], tuned["wql"]
    if not folds.tuning:
        return settings, settings.training.max_epochs, None
    recipe = LstmRecipe.from_settings(settings)
    epochs, tuning_wql = _score_on_folds(recipe, panel, folds, settings.engine.num_threads, context)
    return settings, epochs, tuning_wql


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


def _score_on_folds(
    recipe: LstmRecipe, panel: DemandPanel, folds: Folds, num_threads: int, context: Context
) -> tuple[int, float]:
    with context.console.progress("tuning folds", recipe.training.max_epochs) as progress:

        def report(epoch: int, value: float) -> None:
            context.tracker.log_metrics({"tuning_wql": value}, step=epoch)
            progress.advance(f"wql {value:.4f}")

        prepared = prepare_folds(recipe, panel, folds)
        outcome = train_on_folds(
            recipe, panel, folds, prepared, num_threads=num_threads, report=report
        )
    return outcome.best_epoch, outcome.value


def _prepared(
    settings: Settings, folds: Folds, context: Context
) -> tuple[FeatureState, FeaturePanel] | None:
    """Read the features on disk, or return None where other settings need others."""
    folder = context.layout.read(layout.FEATURES)
    wanted = features_made_from(settings, context.layout.read(layout.PANEL), folds)
    if not (folder / MADE_FROM).is_file() or read_json(folder / MADE_FROM) != wanted:
        context.console.note("the features on disk were made from other settings: making them anew")
        return None
    names = FeaturePanel.__dataclass_fields__
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
    return read_state(folder / "state.json"), FeaturePanel(**arrays)


def _log(
    settings: Settings, context: Context, bundle: str, epochs: int, tuning_wql: float | None
) -> None:
    swept = [dimension.path for dimension in settings.search.space.values()]
    context.tracker.log_params({path: value_at(settings, path) for path in swept})
    context.tracker.log_params({"epochs": epochs, "seed": settings.seed})
    if tuning_wql is not None:
        context.tracker.log_metrics({"best_tuning_wql": tuning_wql})
    context.tracker.set_tags({"restock.bundle": bundle})
    context.tracker.log_artifact(context.layout.write(layout.BUNDLE))
    context.console.note(f"trained {epochs} epochs; bundle {bundle[:12]}")
