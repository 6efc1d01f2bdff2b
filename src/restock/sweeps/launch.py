"""A sweep from launch to result: one run, with a run a trial nested in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from restock.data.store import write_table
from restock.errors import ConfigError
from restock.settings.tree import EngineSettings, Settings, TrackingSettings
from restock.sweeps.crew import Crew, StartWorker, local_workers, python, run_crew
from restock.sweeps.keys import study_url
from restock.sweeps.optuna.plots import plot_study
from restock.sweeps.optuna.queue import OptunaLedger
from restock.sweeps.results import StudyResult
from restock.sweeps.spec import Sweep, code_digest, is_repeatable
from restock.sweeps.worker import DATA, TrialJob, close_runs
from restock.tracking.context import Context
from restock.tracking.protocol import Origin, Tracker
from restock.tracking.record import log_config, log_origin

SENDER = "restock.commands.sync"
SWEEPS = Path(".restock") / "sweeps"


def launch(sweep: Sweep, settings: Settings, context: Context, num_trials: int) -> OptunaLedger:
    """Create or join a sweep. One that is complete is run anew where the context asks for it.

    Raises:
        SweepMismatchError: If one of that name was launched with something else.
    """
    url = study_url(settings.engine, context.root)
    number = 1
    while True:
        name = sweep.name if number == 1 else f"{sweep.name}.{number}"
        ledger = OptunaLedger.launch(url, replace(sweep, name=name), settings.engine, num_trials)
        if not (context.rerun and ledger.is_done()):
            return ledger
        ledger.close()
        number += 1


def rejoin(name: str, engine: EngineSettings, context: Context, data: str) -> OptunaLedger:
    """Open a sweep to go on with what is stored.

    Raises:
        SweepError: If there is none of that name.
        SweepMismatchError: If the data at hand is not what it was launched on.
    """
    ledger = OptunaLedger(study_url(engine, context.root), name, engine)
    sweep = ledger.sweep
    replace(sweep, data=data).check_same(sweep)
    if code_digest() != sweep.code:
        context.console.note(
            f"the code has changed since {name} was launched at {sweep.commit[:12]}: its trials "
            "may not be comparable"
        )
    ledger.stop(None)
    return ledger


def work_off(
    ledger: OptunaLedger,
    context: Context,
    tracking: TrackingSettings,
    worker: str,
    prepare: Callable[[Path], None] = lambda _: None,
) -> StudyResult:
    """Run what is left of a sweep with workers on this machine.

    Args:
        ledger: The sweep.
        context: Where it is logged and watched.
        tracking: As it is now, which may differ from what was frozen.
        worker: Module that a worker runs.
        prepare: Puts what its trials share into a folder.

    Raises:
        SweepError: If nothing completed or the sweep was stopped.
        StoppedError: If a signal came; the sweep can be resumed.
    """
    sweep = ledger.sweep
    with context.tracker.child(sweep.name, key=ledger.key) as run:
        _log_launch(run, ledger, context.origin)
        try:
            if ledger.is_done():
                context.console.note(f"sweep {sweep.name} is complete: nothing is repeated")
            else:
                context.console.note(f"sweep {sweep.name}: {ledger.num_trials} trials")
                _run_workers(ledger, context, tracking, worker, prepare)
        finally:
            close_runs(ledger, run.spool())
        result = ledger.result()
        _log_result(run, result, ledger)
    return result


def _run_workers(
    ledger: OptunaLedger,
    context: Context,
    tracking: TrackingSettings,
    worker: str,
    prepare: Callable[[Path], None],
) -> None:
    engine = ledger.engine
    folder = context.root.resolve() / SWEEPS / ledger.sweep.name
    prepare(folder)
    spool = context.tracker.spool()
    job = TrialJob(
        ledger.url,
        ledger.sweep.name,
        str(folder),
        str(spool.resolve()) if spool else None,
        engine.model_dump(),
        tracking.system_metrics,
    )
    job.save(folder / "job.json")
    crew = Crew(_start_worker(ledger, folder, tracking, worker))
    with context.console.sweep() as show:
        try:
            run_crew(crew, ledger, engine.num_workers, watch=lambda _: show(ledger.view()))
        finally:
            show(ledger.view())


def _start_worker(
    ledger: OptunaLedger, folder: Path, tracking: TrackingSettings, worker: str
) -> StartWorker:
    """Return what starts workers: on this machine, or on a Ray cluster."""
    engine, job = ledger.engine, folder / "job.json"
    if engine.name == "local":
        return local_workers(python(worker, str(job)), folder / "logs", engine.num_threads)
    from restock.sweeps.ray_crew import Shipment, ray_workers

    reachable = _reachable(tracking)
    sender = SENDER if reachable else None
    shipment = Shipment(ledger.key, worker, sender, job.read_text(encoding="utf-8"), reachable)
    return ray_workers(engine, shipment, folder / DATA)


def _reachable(tracking: TrackingSettings) -> dict[str, Any] | None:
    """Return where nodes of a cluster log to; None: nowhere.

    Raises:
        ConfigError: If the runs would go to a file of this machine.
    """
    if tracking.name == "none":
        return None
    uri = os.environ.get("MLFLOW_TRACKING_URI") or tracking.uri or "sqlite"
    if not uri.startswith("http"):
        raise ConfigError(
            "the nodes of a Ray cluster cannot write to this machine's files: set tracking.uri to "
            "an MLflow server that all of them reach, or tracking=none."
        )
    return {**tracking.model_dump(), "uri": uri}


def _log_launch(run: Tracker, ledger: OptunaLedger, origin: Origin | None) -> None:
    """Keep the frozen configuration and what the sweep stands on."""
    sweep = ledger.sweep
    run.set_tags(
        {
            "restock.sweep": sweep.name,
            "restock.sweep_digest": sweep.digest,
            "restock.data": sweep.data,
            "restock.code": sweep.code,
        }
    )
    if origin is None:  # gone on with: what it came from was kept when it was launched
        log_config(run, sweep.settings)
    else:
        log_origin(run, sweep.settings, origin)


def _log_result(run: Tracker, result: StudyResult, ledger: OptunaLedger) -> None:
    best = result.best
    assert best.outcome is not None
    run.log_params({f"best.{path}": value for path, value in best.values.items()})
    run.log_metrics({"best_wql": best.outcome.value, "best_epoch": best.outcome.best_epoch})
    parallel = ledger.standing().parallel
    repeatable = is_repeatable(ledger.settings, ledger.sweep.points, parallel=parallel)
    run.set_tags(
        {
            "restock.best_trial": str(best.number),
            "restock.repeatable": str(repeatable).lower(),
            "mlflow.note.content": why(result),
        }
    )
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
