"""Stage tune: search the space on the tuning folds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from restock.data.files import write_json
from restock.data.store import load_panel, panel_digest, write_table
from restock.evaluation.selection import folds_with_demand
from restock.settings.base import View, value_at
from restock.settings.engine import EngineSettings
from restock.settings.folds import FoldSettings
from restock.sweeps import shared, worker
from restock.sweeps.edges import edge_notes
from restock.sweeps.launch import launch, reopen, run_trials
from restock.sweeps.optuna.samplers import check_inside
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.results import StudyResult
from restock.sweeps.sample import sample_series
from restock.sweeps.shared import SweepData
from restock.sweeps.spec import SearchRecipe, freeze
from restock.training.fold_features import fit_fold_features
from restock.types import layout
from restock.types.folds import Folds
from restock.types.panel import DemandPanel

if TYPE_CHECKING:
    from restock.stages.pipeline import TuneView
    from restock.tracking.context import Context


class Cut(FoldSettings, View):
    """The part of ``evaluation`` that cuts the panel."""


class TunedOn(View):
    """The part of a sweep's frozen configuration that defines its folds."""

    evaluation: Cut
    """Where the panel is cut."""


def run(context: Context[TuneView]) -> None:
    """Write the best values with all trials, and a table of the trials."""
    settings = context.settings
    if not settings.training.use_tuned:
        _skip(context, "with training.use_tuned=false, the configured values are trained")
        return
    panel, folds = _data(context, settings.evaluation)
    for note in folds.notes:
        context.console.note(note)
    if not folds.tuning:
        _skip(context, "there is no tuning fold, so that the configured values are trained")
        return
    for name, dimension in settings.search.space.items():
        check_inside(name, dimension, value_at(settings, dimension.path))
    sweep = freeze(
        context.origin.config,
        name=settings.sweep.name,
        data=_data_digest(context),
        commit=context.origin.commit,
    )
    with closing(launch(sweep, settings.engine, context, settings.search.num_trials)) as opened:
        _search(opened, panel, folds, context)


def resume(name: str, engine: EngineSettings, context: Context[Any]) -> None:
    """Continue a sweep with its frozen settings. Only engine and tracking are the current ones.

    Args:
        name: Name of the sweep.
        engine: The current engine settings.
        context: Files, console and tracker.
    """
    with closing(reopen(name, engine, context, _data_digest(context))) as opened:
        panel, folds = _data(context, opened.sweep.view(TunedOn).evaluation)
        _search(opened, panel, folds, context)


def _search(opened: OpenStudy, panel: DemandPanel, folds: Folds, context: Context[Any]) -> None:
    settings = opened.settings
    rows = sample_series(panel, folds, settings.search.max_series)
    if rows is not None:
        context.console.note(
            f"trials see {len(rows)} of {panel.num_series} series, spread evenly over sizes and "
            "shares of zeros (search.max_series); the best values are then trained on all"
        )

    def prepare(folder: Path) -> None:
        seen, cut = (panel, folds) if rows is None else (panel.take(rows), folds.take(rows))
        features = fit_fold_features(seen, cut, settings.features, settings.model.likelihood)
        shared.save(SweepData(seen, cut, features), folder / worker.DATA)

    result = run_trials(opened, context, worker.MODULE, prepare)
    _write(
        result, settings, folds.tuning_cut, panel.num_series if rows is None else len(rows), context
    )


def _data(context: Context[Any], settings: FoldSettings) -> tuple[DemandPanel, Folds]:
    panel = load_panel(context.files.read(layout.PANEL))
    return panel, folds_with_demand(panel, settings)


def _data_digest(context: Context[Any]) -> str:
    return panel_digest(context.files.read(layout.PANEL))


def _skip(context: Context[Any], reason: str) -> None:
    """Write an empty result, so that the next stages can run without a sweep."""
    context.console.note(f"skipped: {reason}")
    write_json(context.files.write(layout.TUNING), {"skipped": reason})
    write_table(context.files.write(layout.TUNING_TRIALS), pd.DataFrame(columns=["trial", "loss"]))


def _write(
    result: StudyResult, settings: SearchRecipe, cut: str, num_series: int, context: Context[Any]
) -> None:
    best = result.best
    assert best.outcome is not None
    paths = [dimension.path for dimension in settings.search.space.values()]
    content = {
        best.outcome.name: best.outcome.value,
        "steps": best.outcome.steps,
        "best": best.values,
        "best_trial": best.number,
        "configured": {path: value_at(settings, path) for path in paths},
        "cut": cut,
        "num_series": num_series,
        "study": result.as_dict(),
    }
    write_json(context.files.write(layout.TUNING), content)
    write_table(context.files.write(layout.TUNING_TRIALS), result.table())
    context.console.note(result.why())
    for note in edge_notes(settings, settings.search.space, best.values):
        context.console.note(note)
