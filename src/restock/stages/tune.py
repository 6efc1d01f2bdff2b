"""Stage tune: search the space on the tuning folds."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from restock.config import Settings, value_at
from restock.data.store import digest, load_panel, write_json, write_table
from restock.evaluation.selection import folds_with_demand
from restock.stages import trials
from restock.stages.context import Context
from restock.stages.trials import TrialJob, close_runs
from restock.tuning import prepared
from restock.tuning.optuna.database import default_url
from restock.tuning.optuna.ledger import OptunaLedger
from restock.tuning.optuna.plots import plot_study
from restock.tuning.optuna.sampler import check_inside
from restock.tuning.prepared import SweepData, prepare_folds
from restock.tuning.results import StudyResult
from restock.tuning.sweep import Sweep, freeze, is_repeatable
from restock.tuning.workers import Crew, python, run_crew
from restock.types import layout
from restock.types.folds import Folds
from restock.types.panel import DemandPanel
from restock.types.tracking import Tracker

SWEEPS = Path(".restock") / "sweeps"


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
    for name, dimension in settings.search.space.items():
        check_inside(name, dimension, value_at(settings, dimension.path))
    sweep = freeze(
        settings,
        data=digest(context.layout.read(layout.PANEL) / "panel.parquet"),
        commit=context.commit,
    )
    with closing(_launch(sweep, settings, context)) as ledger:
        result = _work_off(ledger, settings, context, panel, folds)
    _write(result, settings, folds.tuning_cut, context)


def _launch(sweep: Sweep, settings: Settings, context: Context) -> OptunaLedger:
    """Create or join the sweep. One that is complete is run anew where the context asks for it."""
    url = settings.engine.study_url or default_url(context.root)
    number = 1
    while True:
        name = sweep.name if number == 1 else f"{sweep.name}.{number}"
        named = replace(sweep, name=name)
        ledger = OptunaLedger.launch(url, named, settings.engine, settings.search.num_trials)
        if not (context.rerun and ledger.is_done()):
            return ledger
        ledger.close()
        number += 1


def _work_off(
    ledger: OptunaLedger, settings: Settings, context: Context, panel: DemandPanel, folds: Folds
) -> StudyResult:
    """Run what is left of the sweep, as a run of its own with a run a trial nested in it."""
    sweep = ledger.sweep
    with context.tracker.child(sweep.name, key=ledger.key) as run:
        _log_launch(run, ledger, settings)
        if ledger.is_done():
            context.console.note(f"sweep {sweep.name} is complete: nothing is repeated")
        else:
            context.console.note(f"sweep {sweep.name}: {ledger.num_trials} trials")
            _run_workers(ledger, settings, context, panel, folds)
        close_runs(ledger, run.spool())
        result = ledger.result()
        _log_result(run, result, ledger)
    return result


def _run_workers(
    ledger: OptunaLedger, settings: Settings, context: Context, panel: DemandPanel, folds: Folds
) -> None:
    engine = settings.engine
    folder = context.root.resolve() / SWEEPS / ledger.sweep.name
    features, likelihood = settings.features, settings.model.likelihood
    made = SweepData(panel, folds, prepare_folds(panel, folds, features, likelihood))
    prepared.save(made, folder / trials.DATA)
    spool = context.tracker.spool()
    job = TrialJob(
        ledger.url,
        ledger.sweep.name,
        str(folder),
        str(spool.resolve()) if spool else None,
        engine.model_dump(),
    )
    job.save(folder / "job.json")
    command = python(trials.__name__, str(folder / "job.json"))
    with context.console.sweep() as show:
        run_crew(
            Crew(command, folder / "logs", engine.num_threads),
            ledger,
            engine.num_workers,
            watch=lambda _: show(ledger.view()),
        )
        show(ledger.view())


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


def _log_launch(run: Tracker, ledger: OptunaLedger, settings: Settings) -> None:
    """Keep the frozen configuration and what the sweep stands on."""
    sweep = ledger.sweep
    repeatable = is_repeatable(settings, sweep.points)
    run.set_tags(
        {
            "restock.sweep": sweep.name,
            "restock.sweep_digest": sweep.digest,
            "restock.data": sweep.data,
            "restock.code": sweep.code,
            "restock.repeatable": str(repeatable).lower(),
        }
    )
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "config.yaml"
        path.write_text(yaml.safe_dump(sweep.settings, sort_keys=False), encoding="utf-8")
        run.log_artifact(path)


def _log_result(run: Tracker, result: StudyResult, ledger: OptunaLedger) -> None:
    best = result.best
    assert best.outcome is not None
    run.log_params({f"best.{path}": value for path, value in best.values.items()})
    run.log_metrics({"best_wql": best.outcome.value, "best_epoch": best.outcome.best_epoch})
    run.set_tags({"restock.best_trial": str(best.number), "mlflow.note.content": why(result)})
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_table(folder / "trials.csv", table(result))
        run.log_artifact(folder / "trials.csv")
        for path in plot_study(ledger.study, folder / "plots"):
            run.log_artifact(path, "plots")


def why(result: StudyResult) -> str:
    """Say in a line which trial won, and why."""
    best, second = result.best, result.second()
    assert best.outcome is not None
    shown = ", ".join(f"{path}={value}" for path, value in best.values.items())
    said = f"best is trial {best.number}: wql {best.outcome.value:.4f} with {shown}"
    if second is None or second.outcome is None:
        return f"{said}; no other trial completed"
    margin = second.outcome.value / best.outcome.value - 1
    return f"{said}; {margin:.1%} below trial {second.number}, of {len(result.trials)} trials"


def table(result: StudyResult) -> pd.DataFrame:
    """Return one row per trial: state, what was measured, and the swept values."""
    rows = []
    for trial in result.trials:
        outcome = trial.outcome
        measured: dict[str, Any] = {
            "wql": outcome.value if outcome else None,
            "epochs": outcome.best_epoch if outcome else None,
        }
        others = {k: v for k, v in (outcome.scores if outcome else {}).items() if k != "wql"}
        rows.append(
            {"trial": trial.number, "state": trial.state, **measured, **others, **trial.values}
        )
    return pd.DataFrame(rows)
