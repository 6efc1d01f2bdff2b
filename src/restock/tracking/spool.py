"""The spool: runs are first written to disk, so that training never waits for a tracking server.

A run is a folder of the spool. It has `events-*.jsonl`, one file for each process that writes to
the run, and copies of the artifacts. :mod:`restock.tracking.mlflow.sender` sends them. When a run
has ended and all of it was sent, its folder is removed.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from restock.data.files import disk_full_named
from restock.errors import StoppedError
from restock.tracking.memory import NullTracker
from restock.tracking.protocol import Dataset

SPOOL = Path(".restock") / "spool"  # below the project's folder
Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class Spool:
    """The folder of all runs that are not completely sent."""

    folder: Path

    def open(
        self,
        name: str,
        *,
        key: str | None = None,
        parent: str | None = None,
        tags: Mapping[str, str] | None = None,
        **links: str | None,
    ) -> SpoolRun:
        """Start a run, or continue the one with this key.

        Args:
            name: Name of the run.
            key: Key of the run, the same on all machines; None: a new key.
            parent: Key of the parent run.
            tags: Tags of the run.
            links: Other values by which the sender finds the parent, such as a pipeline's token.
        """
        run = SpoolRun(self, key or uuid.uuid4().hex)
        start = {"name": name, "parent": parent, "tags": dict(tags or {}), **links}
        run.write({"kind": "start", "at": _now(), **start})
        return run

    def close(self, key: str, status: Status, tags: Mapping[str, str]) -> None:
        """End a run whose writer died, unless it has ended or was already sent."""
        if (self.folder / key).is_dir() and not self.has_ended(key):
            run = SpoolRun(self, key)
            run.set_tags(tags)
            run.end(status)

    def has_ended(self, key: str) -> bool:
        """Say whether a run has ended, and was not started again."""
        last: dict[str, Any] = {}
        for path in sorted((self.folder / key).glob("events-*.jsonl")):
            for event in events(path.read_bytes()):
                if event["kind"] in ("start", "end") and event["at"] >= last.get("at", 0):
                    last = event
        return bool(last) and last["kind"] == "end"

    def waiting(self) -> list[str]:
        """Return the keys of the runs in the spool, oldest first: a parent before its children."""
        if not self.folder.is_dir():
            return []
        runs = [path for path in self.folder.iterdir() if path.is_dir()]
        return [path.name for path in sorted(runs, key=lambda p: (_born(p), p.name))]


class SpoolRun:
    """One run, written as events; see :class:`restock.tracking.protocol.Tracker`."""

    run_id: str | None = None

    def __init__(self, store: Spool, key: str) -> None:
        """Choose a new file of events for this process."""
        self.store, self.key = store, key
        self.folder = store.folder / key
        name = f"events-{time.time_ns()}-{os.getpid()}-{uuid.uuid4().hex[:6]}.jsonl"
        self._path = self.folder / name
        self._count = 0

    def write(self, event: Mapping[str, Any]) -> None:
        """Append one event as one line, in a single write.

        Raises:
            DiskFullError: If there is no space.
        """
        line = (json.dumps(event) + "\n").encode()
        with disk_full_named(self._path):
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                file.write(line)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters, as text."""
        self.write({"kind": "params", "params": {k: str(v) for k, v in params.items()}})

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record metrics at the time of the call."""
        if metrics:
            values = {key: float(value) for key, value in metrics.items()}
            self.write({"kind": "metrics", "metrics": values, "step": step or 0, "at": _now()})

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Copy a file or folder to the spool."""
        self._count += 1
        target = self.folder / f"{self._path.stem}-{self._count}" / path.name
        with disk_full_named(target):
            target.parent.mkdir(parents=True)
            if path.is_dir():
                shutil.copytree(path, target)
            else:
                shutil.copy2(path, target)
        place = str(target.relative_to(self.folder))
        self.write({"kind": "artifact", "path": place, "folder": folder})

    def log_dataset(self, dataset: Dataset) -> None:
        """Record data that the run used."""
        self.write({"kind": "dataset", "dataset": asdict(dataset)})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""
        self.write({"kind": "tags", "tags": {k: str(v) for k, v in tags.items()}})

    def end(self, status: Status) -> None:
        """Record how the run ended."""
        self.write({"kind": "end", "status": status, "at": _now()})

    @contextmanager
    def child(self, name: str, key: str | None = None) -> Iterator[SpoolRun]:
        """Open a nested run; it ends as failed if an exception leaves the block."""
        with ending(self.store.open(name, key=key, parent=self.key)) as run:
            yield run

    def spool(self) -> Path | None:
        """Return the spool's folder."""
        return self.store.folder


class SpoolTop(NullTracker):
    """Opens runs that have no parent in the spool. It records nothing itself."""

    def __init__(self, store: Spool, tags: Mapping[str, str], **links: str | None) -> None:
        """Keep tags and links for every run that is opened here."""
        self.store, self.tags, self.links = store, tags, links

    @contextmanager
    def child(self, name: str, key: str | None = None) -> Iterator[SpoolRun]:  # type: ignore[override]
        """Open a run."""
        with ending(self.store.open(name, key=key, tags=self.tags, **self.links)) as run:
            yield run

    def spool(self) -> Path | None:
        """Return the spool's folder."""
        return self.store.folder


@contextmanager
def ending(run: SpoolRun) -> Iterator[SpoolRun]:
    """End a run at the end of the block: as finished, or as failed after an exception."""
    status: Status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except (KeyboardInterrupt, StoppedError):
        status = "KILLED"
        raise
    finally:
        run.end(status)


def events(content: bytes) -> Iterator[dict[str, Any]]:
    """Read complete lines. An incomplete last line, left by a kill or a full disk, is ignored."""
    for line in content.split(b"\n")[:-1]:
        yield json.loads(line)


def _now() -> int:
    """Return milliseconds since 1970, as MLflow uses them."""
    return int(time.time() * 1000)


def _born(folder: Path) -> str:
    return min((path.name for path in folder.glob("events-*.jsonl")), default="")
