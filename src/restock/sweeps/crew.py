"""The worker processes of a sweep: start them, watch them, replace dead ones, stop them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

from restock.errors import RestockError, StoppedError
from restock.sweeps.optuna.supervisor import Supervisor
from restock.sweeps.queue import SweepError

TICK = 0.3  # seconds between two checks of the workers
REAP_EVERY = 2.0
WATCH_EVERY = 1.0
EXIT_SURROUNDINGS = 75  # a worker's exit code for an error that no trial caused
MOST_EARLY_DEATHS = 3  # so many workers in a row may die before they take a trial
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Worker(Protocol):
    """One worker process, on this or another machine."""

    name: str

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        ...

    def last_words(self) -> str:
        """Return its last message, which says why it ended. Call it once, after the end."""
        ...

    def stop(self, *, now: bool) -> None:
        """Ask it to finish its steps and release its trial; or, with ``now``, kill it."""
        ...


class LocalWorker:
    """A process on this machine.

    It has its own process group, so that only the launcher gets Ctrl-C. It reads from a pipe: when
    the launcher dies, the pipe closes and the worker stops. It writes its last message to another
    pipe, because its log may be on a full disk.
    """

    def __init__(self, command: list[str], name: str, log: Path, num_threads: int) -> None:
        """Start it.

        Args:
            command: Command that it runs. Its name is added at the end.
            name: Name of the worker.
            log: File for its output.
            num_threads: Threads inside one operation; 0: no limit.
        """
        self.name, self.log = name, log
        variables = dict.fromkeys(THREAD_VARIABLES, str(num_threads)) if num_threads else {}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
                env={**os.environ, **variables},
            )

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self.process.poll()

    def last_words(self) -> str:
        """Return its last message, or else the last line of its log."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.process.stdin, self.process.stdout as words:
            said = words.read().decode(errors="replace").strip()
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return said or f"{lines[-1] if lines else 'without a message'} (see {self.log})"

    def stop(self, *, now: bool) -> None:
        """Send it a signal."""
        self.process.send_signal(signal.SIGKILL if now else signal.SIGTERM)


def local_workers(command: list[str], folder: Path, num_threads: int) -> StartWorker:
    """Return a function that starts workers on this machine, with their logs in a folder."""

    def start(name: str) -> LocalWorker:
        return LocalWorker(command, name, folder / f"{name}.log", num_threads)

    return start


StartWorker = Callable[[str], Worker]


@dataclass
class Crew:
    """Workers of one launcher."""

    start_worker: StartWorker
    workers: list[Worker] = field(default_factory=list)
    started: int = 0

    def start(self) -> None:
        """Start one more worker, with a unique name."""
        name = f"{socket.gethostname()}-{os.getpid()}-{self.started}"
        self.started += 1
        self.workers.append(self.start_worker(name))

    def ended(self) -> list[Worker]:
        """Remove the workers that have ended from the list, and return them."""
        gone = [worker for worker in self.workers if worker.exit_code() is not None]
        self.workers = [worker for worker in self.workers if worker not in gone]
        return gone

    def stop(self, *, now: bool) -> None:
        """Stop every worker."""
        for worker in self.workers:
            worker.stop(now=now)


def run_crew(
    crew: Crew, supervisor: Supervisor, num_workers: int, *, watch: Callable[[Crew], None]
) -> None:
    """Run a sweep with a launcher's workers until every trial has ended.

    A worker that dies is replaced, and its trial is queued again at once.

    Args:
        crew: Starts the workers.
        supervisor: Supervisor of the sweep.
        num_workers: Number of processes at a time.
        watch: Called every second.

    Raises:
        SweepError: If `restock stop` or too many equal failures stopped the sweep, or if workers
            die again and again.
        StoppedError: If a signal stopped it. The sweep can be resumed.
        RestockError: If a worker had an error that no trial caused, such as a full disk.
    """
    with _signals() as received:
        for _ in range(num_workers):
            crew.start()
        try:
            _watch(crew, supervisor, received, watch)
        finally:
            _dismiss(crew, supervisor, received)
    if received:
        raise StoppedError(
            f"stopped. To continue, run `restock resume {supervisor.name}`.", received[0]
        )
    reason = supervisor.stopped()
    if reason is not None:
        raise SweepError(f"the sweep stopped: {reason}")


def _watch(
    crew: Crew, supervisor: Supervisor, received: list[int], watch: Callable[[Crew], None]
) -> None:
    early = deaths = ended = 0
    reaped_at = watched_at = time.monotonic()
    while crew.workers and not received:
        for worker in crew.ended():
            code, said = worker.exit_code(), worker.last_words()
            if code == 0 or supervisor.is_done():
                continue
            if code == EXIT_SURROUNDINGS:
                raise RestockError(said)
            took = supervisor.bury(worker.name) or supervisor.knows(worker.name)
            early = 0 if took else early + 1
            before, ended = ended, supervisor.num_ended()
            deaths = 1 if ended > before else deaths + 1
            if early >= MOST_EARLY_DEATHS or deaths > MOST_EARLY_DEATHS + supervisor.max_retries:
                raise SweepError(
                    f"workers die again and again (exit code {code}). The last one said: {said}"
                )
            crew.start()
        if time.monotonic() - reaped_at > REAP_EVERY:
            supervisor.reap()
            reaped_at = time.monotonic()
        if time.monotonic() - watched_at > WATCH_EVERY:
            watch(crew)
            watched_at = time.monotonic()
        time.sleep(TICK)


def _dismiss(crew: Crew, supervisor: Supervisor, received: list[int]) -> None:
    """Let workers finish their steps and release their trials. A second signal kills them."""
    crew.stop(now=False)
    told = False
    while crew.workers:
        for worker in crew.ended():
            worker.last_words()
            if worker.exit_code() != 0:
                supervisor.bury(worker.name)
        if len(received) > 1 and not told:
            crew.stop(now=True)
            told = True
        time.sleep(TICK / 3)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM while the block runs."""
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handle) for number in numbers]
    try:
        yield received
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this Python."""
    return [sys.executable, "-m", module, *arguments]
