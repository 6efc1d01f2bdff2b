"""Stage tune: search the space on the tuning folds."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from restock.config import Settings, replace_at, value_at
from restock.data.store import load_panel, write_json, write_table
from restock.evaluation.selection import folds_with_demand
from restock.forecasters.lstm.fit import LstmRecipe
from restock.seeding import child_seed
from restock.stages.context import Context
from restock.tuning.objective import prepare_folds, train_on_folds
from restock.tuning.optuna.sampler import OptunaSampler
from restock.tuning.results import Outcome, StudyResult
from restock.tuning.study import Report, run_study
from restock.types import layout


def run(settings: Settings, context: Context) -> None:
    """Write the best values with all trials, and a table of the trials."""
    if not settings.training.use_tuned:
        _skip(context, "training.use_tuned=false trains the configured values")
        return
    panel = load_panel(context.layout.read(layout.PANEL))
    folds = folds_with_demand(panel, settings.evaluation)
    for note in folds.notes:
        context.console.note(note)
    if not folds.tuning:
        _skip(context, "no tuning fold to tune on: the configured values are trained")
        return
    prepared = prepare_folds(LstmRecipe.from_settings(settings), panel, folds)
    paths = [dimension.path for dimension in settings.search.space.values()]
    configured = {path: value_at(settings, path) for path in paths}
    sampler = OptunaSampler(settings.search, configured, child_seed(settings.seed, "sampler"))

    def objective(values: dict[str, object], report: Report) -> Outcome:
        # One network a fold: an ensemble improves all configurations alike, and costs its size.
        alone = {"training.ensemble_size": 1}
        recipe = LstmRecipe.from_settings(replace_at(settings, {**values, **alone}))
        threads = settings.engine.num_threads
        outcome, _ = train_on_folds(
            recipe, panel, folds, prepared, num_threads=threads, report=report
        )
        return outcome

    result = run_study(
        sampler,
        objective,
        settings.search,
        seed=settings.seed,
        tracker=context.tracker,
        console=context.console,
    )
    _write(result, configured, folds.tuning_cut, context)
    with tempfile.TemporaryDirectory() as temporary:
        for path in sampler.plot(Path(temporary)):
            context.tracker.log_artifact(path, "plots")


def _skip(context: Context, reason: str) -> None:
    """Leave an empty result, so that what follows need not wait for a sweep."""
    context.console.note(f"skipped: {reason}")
    write_json(context.layout.write(layout.TUNING), {"skipped": reason})
    write_table(context.layout.write(layout.TUNING_TRIALS), pd.DataFrame(columns=["trial", "wql"]))


def _write(result: StudyResult, configured: dict[str, object], cut: str, context: Context) -> None:
    best = result.best
    assert best.outcome is not None
    content = {
        "wql": best.outcome.value,
        "epochs": best.outcome.best_epoch,
        "best": best.values,
        "best_trial": best.number,
        "configured": configured,
        "cut": cut,
        "study": result.as_dict(),
    }
    write_json(context.layout.write(layout.TUNING), content)
    write_table(context.layout.write(layout.TUNING_TRIALS), _table(result))
    context.tracker.log_params({f"best.{path}": value for path, value in best.values.items()})
    context.tracker.log_metrics(
        {"best_wql": best.outcome.value, "best_epoch": best.outcome.best_epoch}
    )
    context.tracker.log_artifact(context.layout.write(layout.TUNING))
    context.tracker.log_artifact(context.layout.write(layout.TUNING_TRIALS))
    shown = ", ".join(f"{path}={value}" for path, value in best.values.items())
    context.console.note(f"best is trial {best.number}: wql {best.outcome.value:.4f} with {shown}")


def _table(result: StudyResult) -> pd.DataFrame:
    rows = []
    for trial in result.trials:
        outcome = trial.outcome
        measured = {
            "wql": outcome.value if outcome else None,
            "epochs": outcome.best_epoch if outcome else None,
        }
        rows.append({"trial": trial.number, "state": trial.state, **measured, **trial.values})
    return pd.DataFrame(rows)
