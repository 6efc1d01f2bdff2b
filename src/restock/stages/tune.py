"""Stage tune: search the space on the tuning folds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pandas as pd

from restock.data.files import write_json
from restock.data.store import load_panel, panel_digest, write_table
from restock.evaluation.selection import folds_with_demand
from restock.settings.tree import Settings, TrackingSettings, value_at
from restock.sweeps import worker as trials
from restock.sweeps.launch import launch, rejoin, table, why, work_off
from restock.sweeps.optuna.queue import OptunaLedger
from restock.sweeps.optuna.samplers import check_inside
from restock.sweeps.results import StudyResult
from restock.sweeps.spec import freeze
from restock.tracking.context import Context
from restock.training import fold_features as prepared
from restock.training.fold_features import SweepData, prepare_folds
from restock.types import layout
from restock.types.folds import Folds
from restock.types.panel import DemandPanel


def run(settings: Settings, context: Context) -> None:
    """Write the best values with all trials, and a table of the trials."""
    if not settings.training.use_tuned:
        _skip(context, "training.use_tuned=false trains the configured values")
        return
    data = _data(settings, context)
    folds = data[1]
    for note in folds.notes:
        context.console.note(note)
    if not folds.tuning:
        _skip(context, "no tuning fold to tune on: the configured values are trained")
        return
    for name, dimension in settings.search.space.items():
        check_inside(name, dimension, value_at(settings, dimension.path))
    sweep = freeze(settings, data=_data_digest(context), commit=context.commit)
    with closing(launch(sweep, settings, context, settings.search.num_trials)) as ledger:
        _search(ledger, settings, settings.tracking, context, data)


def resume(name: str, settings: Settings, context: Context) -> None:
    """Go on with a sweep as it was frozen; only engine and tracking are as they are now.

    Args:
        name: The sweep's.
        settings: Whose engine does the work, and where it is logged.
        context: Where the panel is and the result goes.
    """
    with closing(rejoin(name, settings.engine, context, _data_digest(context))) as ledger:
        data = _data(ledger.settings, context)
        _search(ledger, ledger.settings, settings.tracking, context, data)


def _search(
    ledger: OptunaLedger,
    settings: Settings,
    tracking: TrackingSettings,
    context: Context,
    data: tuple[DemandPanel, Folds],
) -> None:
    panel, folds = data

    def prepare(folder: Path) -> None:
        made = prepare_folds(panel, folds, settings.features, settings.model.likelihood)
        prepared.save(SweepData(panel, folds, made), folder / trials.DATA)

    result = work_off(ledger, context, tracking, trials.__name__, prepare)
    _write(result, settings, folds.tuning_cut, context)


def _data(settings: Settings, context: Context) -> tuple[DemandPanel, Folds]:
    panel = load_panel(context.layout.read(layout.PANEL))
    return panel, folds_with_demand(panel, settings.evaluation)


def _data_digest(context: Context) -> str:
    return panel_digest(context.layout.read(layout.PANEL))


def _skip(context: Context, reason: str) -> None:
    """Leave an empty result, so that what follows need not wait for a sweep."""
    context.console.note(f"skipped: {reason}")
    write_json(context.layout.write(layout.TUNING), {"skipped": reason})
    write_table(context.layout.write(layout.TUNING_TRIALS), pd.DataFrame(columns=["trial", "wql"]))


def _write(result: StudyResult, settings: Settings, cut: str, context: Context) -> None:
    best = result.best
    assert best.outcome is not None
    paths = [dimension.path for dimension in settings.search.space.values()]
    content = {
        "wql": best.outcome.value,
        "epochs": best.outcome.best_epoch,
        "best": best.values,
        "best_trial": best.number,
        "configured": {path: value_at(settings, path) for path in paths},
        "cut": cut,
        "study": result.as_dict(),
    }
    write_json(context.layout.write(layout.TUNING), content)
    write_table(context.layout.write(layout.TUNING_TRIALS), table(result))
    context.console.note(why(result))
