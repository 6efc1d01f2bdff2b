"""Workers of a sweep on a Ray cluster. Ray only runs them; it stores nothing about the sweep.

A Ray task starts the same worker process as on one machine, in a folder of the node, and a second
process that sends its runs. If Ray or the launcher dies, the worker's pipe closes, and the worker
releases its trial. If the whole node dies, its heartbeats stop, and the trial is queued again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Set before Ray is imported. Without it, anybody who can reach a cluster's port can run code there.
os.environ["RAY_AUTH_MODE"] = "token"

import ray

from restock.errors import ConfigError, UnreachableError
from restock.settings.engine import EngineSettings
from restock.sweeps.crew import StartWorker

TOKEN_PLACES = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
LOST = -9  # exit code for a worker whose node is gone


@dataclass(frozen=True)
class Shipment:
    """What a node needs to run a worker.

    Attributes:
        key: Key of the sweep. It names the folder on the node, so that workers of one sweep share
            their checkpoints.
        worker: Module that a worker runs.
        sender: Module that sends its runs; None: nothing is tracked.
        job: Content of the job's file.
        tracking: Settings of tracking for the node; None: nothing is tracked.
    """

    key: str
    worker: str
    sender: str | None
    job: str
    tracking: dict[str, Any] | None

    def unpack(self, data: bytes) -> Path:
        """Write it to this node, and return the path of the job's file."""
        folder = Path(tempfile.gettempdir()) / f"restock-{os.getuid()}-{self.key}"
        folder.mkdir(mode=0o700, exist_ok=True)
        spool = str(folder / "spool") if self.sender else None
        job = {**json.loads(self.job), "folder": str(folder), "spool": spool}
        job["tracking"] = self.tracking
        _write(folder / "data.joblib", data)
        _write(folder / "job.json", json.dumps(job).encode())
        return folder / "job.json"


def _write(path: Path, content: bytes) -> None:
    """Write a temporary file and rename it: another worker of this node may be reading."""
    if path.is_file() and path.read_bytes() == content:
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as aside:
        aside.write(content)
    Path(aside.name).replace(path)


@ray.remote(max_retries=0)  # type: ignore[untyped-decorator]
def _work(shipment: Shipment, data: bytes, name: str) -> tuple[int, str]:
    """Run one worker to its end, and return its exit code and last message."""
    job = shipment.unpack(data)
    log = job.parent / f"{name}.log"
    senders = [_start(shipment.sender, job, log)] if shipment.sender else []
    process = _start(shipment.worker, job, log, name)
    assert process.stdin is not None
    try:
        process.wait()
    except KeyboardInterrupt:  # cancelled: closing the pipe asks the worker to finish its steps
        process.stdin.close()
        process.wait()
    assert process.stdout is not None
    said = process.stdout.read().decode(errors="replace").strip()
    for sender in senders:
        sender.communicate()
    return process.returncode, said or log.read_text(errors="replace")[-500:].strip()


def _start(module: str, job: Path, log: Path, *more: str) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", module, str(job), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            start_new_session=True,
        )


class RayWorker:
    """A worker somewhere on the cluster."""

    def __init__(self, name: str, task: ray.ObjectRef) -> None:
        """Watch a task that was started."""
        self.name, self.task = name, task
        self._ended: tuple[int, str] | None = None

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        if self._ended is None and ray.wait([self.task], timeout=0)[0]:
            try:
                self._ended = ray.get(self.task)
            except ray.exceptions.TaskCancelledError:
                self._ended = (0, "stopped")
            except ray.exceptions.RayError as error:
                self._ended = (LOST, str(error).splitlines()[0])
        return None if self._ended is None else self._ended[0]

    def last_words(self) -> str:
        """Return its last message."""
        return "" if self._ended is None else self._ended[1]

    def stop(self, *, now: bool) -> None:
        """Cancel its task."""
        ray.cancel(self.task, force=now)


def ray_workers(engine: EngineSettings, shipment: Shipment, data: Path) -> StartWorker:
    """Connect to a cluster, and return a function that starts workers on it.

    Args:
        engine: Address of the cluster, and number of threads.
        shipment: What each node needs.
        data: File with the data that all trials share.

    Raises:
        ConfigError: If there is no token.
        UnreachableError: If the cluster does not answer.
    """
    _check_token()
    try:
        ray.init(engine.ray_address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
        raise UnreachableError(f"no Ray cluster at {engine.ray_address}: {error}") from None
    content = ray.put(data.read_bytes())
    task = _work.options(num_cpus=max(engine.num_threads, 1))
    return lambda name: RayWorker(name, task.remote(shipment, content, name))


def _check_token() -> None:
    """Refuse to use a cluster without a token, because anybody could use it.

    Raises:
        ConfigError: If there is no token. The message says how to make one.
    """
    default = Path.home() / ".ray" / "auth_token"
    if not default.is_file() and not any(name in os.environ for name in TOKEN_PLACES):
        raise ConfigError(
            "engine=ray needs the cluster's token: `ray get-auth-token --generate` makes one in "
            "~/.ray/auth_token; start every node with RAY_AUTH_MODE=token and the same token."
        )
