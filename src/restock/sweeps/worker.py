"""The program of a worker: `python -m restock.sweeps.worker JOB WORKER`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from restock.data.files import read_json, write_json
from restock.errors import RestockError
from restock.settings.engine import EngineSettings
from restock.sweeps import shared
from restock.sweeps.checkpoint import Checkpoints
from restock.sweeps.crew import EXIT_SURROUNDINGS
from restock.sweeps.loop import Measure, OpenTrialRun, Report, work
from restock.sweeps.optuna.queue import OptunaQueue
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.queue import Claim
from restock.tracking.memory import NullTracker
from restock.tracking.protocol import Tracker
from restock.tracking.record import log_config
from restock.tracking.spool import Spool, ending
from restock.tracking.system import system_metrics
from restock.training.outcome import Outcome

MODULE = "restock.sweeps.worker"  # also when it runs as a program
DATA = "data.joblib"


@dataclass(frozen=True)
class TrialJob:
    """What a launcher gives to its workers, as a file.

    Attributes:
        study_url: URL of the database with the sweep.
        sweep: Name of the sweep.
        folder: Folder of its data and checkpoints on this machine.
        spool: Folder for its runs; None: nothing is tracked.
        engine: The launcher's engine settings.
        system_metrics: Whether the use of processor and memory is logged with each trial.
        tracking: On a cluster, settings of tracking for the node, which sends its own runs.
    """

    study_url: str
    sweep: str
    folder: str
    spool: str | None
    engine: dict[str, Any]
    system_metrics: bool = False
    tracking: dict[str, Any] | None = None

    def save(self, path: Path) -> None:
        """Write it to a file."""
        write_json(path, asdict(self))
        path.chmod(0o600)  # a URL may hold a password

    @classmethod
    def load(cls, path: Path) -> TrialJob:
        """Read it from a file."""
        return cls(**read_json(path))


def run_worker(
    job: TrialJob,
    worker: str,
    measure: Measure,
    opened: OpenStudy,
    should_stop: Callable[[], bool],
) -> None:
    """Run trials of a sweep until it is done or the worker should stop."""
    queue, open_run = OptunaQueue(opened), _opener(job, opened)
    work(queue, measure, open_run, worker=worker, should_stop=should_stop)


def attempt_key(opened: OpenStudy, number: int) -> str:
    """Return the key of the run of one attempt."""
    return f"{opened.key}-{number}"


def close_runs(opened: OpenStudy, spool: Path | None) -> None:
    """End the runs of attempts whose worker died before it could end them."""
    if spool is None:
        return
    for attempt in opened.attempts():
        if attempt.state.is_finished():
            key = attempt_key(opened, attempt.number)
            Spool(spool).close(key, "FAILED", {"restock.state": "lost"})


def fold_objective(job: TrialJob, opened: OpenStudy) -> Measure:
    """Return the function that measures a trial of this sweep. It resumes from checkpoints."""
    from restock.sweeps.objective import FoldObjective

    folder, engine = Path(job.folder), opened.engine
    pool = max((os.cpu_count() or 1) // engine.num_workers, 1)
    data, threads = shared.load(folder / DATA), engine.num_threads
    objective = FoldObjective(opened.settings, data, num_threads=threads, pool_size=pool)

    def checkpoints(slot: int) -> Checkpoints:
        return Checkpoints(folder / "checkpoints" / f"{slot:05d}")

    def measure(claim: Claim, report: Report, _: Tracker) -> Outcome:
        states = checkpoints(claim.slot)
        if claim.resumes is not None:
            states.start_from(checkpoints(claim.resumes))
        outcome = objective(claim.values, claim.share, states, report)
        if claim.share is None:  # else a later trial may continue this training
            states.clear()
        return outcome

    return measure


def _opener(job: TrialJob, opened: OpenStudy) -> OpenTrialRun:
    @contextmanager
    def open_run(claim: Claim) -> Iterator[Tracker]:
        if job.spool is None:
            yield NullTracker()
            return
        name = f"trial {claim.slot}" + (" (again)" if claim.retries is not None else "")
        tags = {"restock.slot": str(claim.slot), "restock.sweep": job.sweep}
        if claim.retries is not None:
            tags["restock.retry_of"] = attempt_key(opened, claim.retries)
        spool = Spool(Path(job.spool))
        key = attempt_key(opened, claim.number)
        with ending(spool.open(name, key=key, parent=opened.key, tags=tags)) as run:
            log_config(run, opened.sweep.config_with(claim.values))
            with system_metrics(run) if job.system_metrics else nullcontext():
                yield run

    return open_run


def stop_flag() -> Callable[[], bool]:
    """Return a function that says whether to stop: after a signal, or if the launcher has died.

    A second signal ends the process at once.
    """
    flag = threading.Event()

    def handle(number: int, _: FrameType | None) -> None:
        flag.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)

    def wait_for_launcher() -> None:
        os.read(0, 1)  # nothing is ever written: it returns when the launcher closes the pipe
        flag.set()

    threading.Thread(target=wait_for_launcher, daemon=True).start()
    return flag.is_set


def worker_main(make: Callable[[TrialJob, OpenStudy], Measure], arguments: Sequence[str]) -> int:
    """Run one worker. An error that no trial caused is its last message.

    Args:
        make: Makes the function that measures a trial of the sweep.
        arguments: Path of the job's file, and name of the worker.

    Returns:
        The exit code.
    """
    # Standard output is only for the last message; what libraries print goes to the log.
    words = os.dup(1)
    os.dup2(2, 1)
    job, name = TrialJob.load(Path(arguments[0])), arguments[1]
    should_stop = stop_flag()
    try:
        engine = EngineSettings.model_validate(job.engine)
        with closing(OpenStudy.open(job.study_url, job.sweep, engine)) as opened:
            run_worker(job, name, make(job, opened), opened, should_stop)
    except RestockError as error:
        os.write(words, str(error).encode())
        return EXIT_SURROUNDINGS
    return 0


if __name__ == "__main__":
    sys.exit(worker_main(fold_objective, sys.argv[1:]))
