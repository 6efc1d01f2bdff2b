"""A sweep from launch to result. It has a run, and in it a nested run for each trial."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from restock.data.store import write_table
from restock.errors import ConfigError
from restock.settings.earlier import counts_epochs
from restock.settings.engine import EngineSettings
from restock.settings.tracking import TrackingSettings
from restock.sweeps.crew import Crew, StartWorker, local_workers, python, run_crew
from restock.sweeps.optuna.plots import plot_study
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.optuna.supervisor import Supervisor
from restock.sweeps.places import shared_folder, study_url
from restock.sweeps.queue import SweepError
from restock.sweeps.results import StudyResult
from restock.sweeps.spec import Sweep, code_digest, is_repeatable
from restock.sweeps.worker import DATA, TrialJob, close_runs
from restock.tracking.context import Context
from restock.tracking.protocol import Origin, Tracker
from restock.tracking.record import log_config, log_origin

SENDER = "restock.commands.sync"


def launch(
    sweep: Sweep, engine: EngineSettings, context: Context[Any], num_trials: int
) -> OpenStudy:
    """Create or join a sweep. If the pipeline asks and the sweep is complete, start a new one.

    Raises:
        SweepMismatchError: If a sweep of this name was launched with other settings, data or code.
    """
    url = study_url(engine, context.root)
    number = 1
    while True:
        name = sweep.name if number == 1 else f"{sweep.name}.{number}"
        opened = OpenStudy.create(url, replace(sweep, name=name), engine, num_trials)
        if not (context.from_pipeline and opened.is_done()):
            return opened
        opened.close()
        number += 1


def reopen(name: str, engine: EngineSettings, context: Context[Any], data: str) -> OpenStudy:
    """Open a stored sweep to continue it.

    Raises:
        SweepError: If there is no sweep of this name, or an earlier version counted its budget in
            epochs.
        SweepMismatchError: If the data is not the data it was launched on.
    """
    opened = OpenStudy.open(study_url(engine, context.root), name, engine)
    sweep = opened.sweep
    if counts_epochs(sweep.settings):
        raise SweepError(
            f"sweep {name} was launched by an earlier version, which counted its budget in epochs, "
            "and cannot be continued. Its trials can still be listed and compared. Launch a new "
            "one with `restock tune`."
        )
    replace(sweep, data=data).check_same(sweep)
    if code_digest() != sweep.code:
        context.console.note(
            f"the code has changed since {name} was launched at {sweep.commit[:12]}, so that its "
            "trials may not be comparable. The sweep continues, and its result can be used. To "
            "run all trials with the same code, launch a sweep with another name."
        )
    opened.stop(None)
    return opened


def run_trials(
    opened: OpenStudy,
    context: Context[Any],
    worker: str,
    prepare: Callable[[Path], None] = lambda _: None,
) -> StudyResult:
    """Run the remaining trials of a sweep, with workers of this launcher.

    Args:
        opened: The sweep.
        context: Console and tracker.
        worker: Module that a worker runs.
        prepare: Writes the data that all trials share to a folder.

    Raises:
        SweepError: If no trial completed or the sweep was stopped.
        StoppedError: If a signal came. The sweep can be resumed.
    """
    sweep, supervisor = opened.sweep, Supervisor(opened)
    with context.tracker.child(sweep.name, key=opened.key) as run:
        _log_launch(run, opened, context.origin)
        try:
            if supervisor.is_done():
                context.console.note(f"sweep {sweep.name} is complete: nothing is repeated")
            else:
                context.console.note(f"sweep {sweep.name}: {opened.num_trials} trials")
                _run_workers(supervisor, context, worker, prepare)
        finally:
            close_runs(opened, run.spool())
        result = supervisor.result()
        _log_result(run, result, opened)
    return result


def _run_workers(
    supervisor: Supervisor, context: Context[Any], worker: str, prepare: Callable[[Path], None]
) -> None:
    opened = supervisor.opened
    folder = shared_folder(context.root, opened.sweep.name)
    prepare(folder)
    spool = context.tracker.spool()
    # The current settings, which may differ from the frozen ones.
    tracking = TrackingSettings.model_validate(context.origin.config["tracking"])
    job = TrialJob(
        opened.url,
        opened.sweep.name,
        str(folder),
        str(spool.resolve()) if spool else None,
        opened.engine.model_dump(),
        tracking.system_metrics,
    )
    job.save(folder / "job.json")
    crew = Crew(_start_worker(opened, folder, tracking, worker))
    with context.console.sweep() as show:
        try:
            num_workers = opened.engine.num_workers
            run_crew(crew, supervisor, num_workers, watch=lambda _: show(supervisor.progress()))
        finally:
            show(supervisor.progress())


def _start_worker(
    opened: OpenStudy, folder: Path, tracking: TrackingSettings, worker: str
) -> StartWorker:
    """Return a function that starts workers: on this machine, or on a Ray cluster."""
    engine, job = opened.engine, folder / "job.json"
    if engine.name == "local":
        return local_workers(python(worker, str(job)), folder / "logs", engine.num_threads)
    from restock.sweeps.ray_crew import Shipment, ray_workers

    reachable = _reachable(tracking)
    sender = SENDER if reachable else None
    shipment = Shipment(opened.key, worker, sender, job.read_text(encoding="utf-8"), reachable)
    return ray_workers(engine, shipment, folder / DATA)


def _reachable(tracking: TrackingSettings) -> dict[str, Any] | None:
    """Return where nodes of a cluster log their runs; None: nowhere.

    Raises:
        ConfigError: If that is a file of this machine, which nodes cannot reach.
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


def _log_launch(run: Tracker, opened: OpenStudy, origin: Origin) -> None:
    """Log the frozen configuration, and the digests of data and code."""
    sweep = opened.sweep
    run.set_tags(
        {
            "restock.sweep": sweep.name,
            "restock.sweep_digest": sweep.digest,
            "restock.data": sweep.data,
            "restock.code": sweep.code,
        }
    )
    if origin.inputs is None:  # resumed: its origin was logged at the launch
        log_config(run, sweep.settings)
    else:
        log_origin(run, replace(origin, config=sweep.settings))


def _log_result(run: Tracker, result: StudyResult, opened: OpenStudy) -> None:
    best = result.best
    assert best.outcome is not None
    run.log_params({f"best.{path}": value for path, value in best.values.items()})
    run.log_metrics(
        {f"best_{best.outcome.name}": best.outcome.value, "best_steps": best.outcome.steps}
    )
    parallel, grid = opened.snapshot().parallel, opened.sweep.points is not None
    repeatable = is_repeatable(opened.settings.search, grid=grid, parallel=parallel)
    run.set_tags(
        {
            "restock.best_trial": str(best.number),
            "restock.repeatable": str(repeatable).lower(),
            "mlflow.note.content": result.why(),
        }
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_table(folder / "trials.csv", result.table())
        run.log_artifact(folder / "trials.csv")
        for path in plot_study(opened.study, folder / "plots"):
            run.log_artifact(path, "plots")
