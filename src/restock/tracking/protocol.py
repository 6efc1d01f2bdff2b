"""Protocols for logging runs and printing messages. Code uses them without knowing MLflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # not imported at run time: commands without tables must not wait for pandas
    import pandas as pd

# The result of a command: titles with texts or tables.
Rows = list[dict[str, Any]]
Parts = list[tuple[str, "pd.DataFrame | Rows | str"]]


@dataclass(frozen=True)
class Dataset:
    """Data that a run used, and where it is in DVC.

    Attributes:
        name: Name of the data set.
        path: Path in the project.
        md5: DVC's hash.
        remote: Name of DVC's default remote; empty: there is none.
        revision: Git revision of the project.
    """

    name: str
    path: str
    md5: str
    remote: str
    revision: str


@dataclass(frozen=True)
class Origin:
    """What a run was made from.

    Attributes:
        commit: Git revision of the project.
        config: The whole composed configuration, as plain data.
        patch: Uncommitted changes of the project, as a git patch.
        inputs: Hashes of the inputs, by name; None: inputs are not logged with this run.
        dataset: The panel, for the tracking server.
    """

    commit: str = "unknown"
    config: Mapping[str, Any] = field(default_factory=dict)
    patch: str = ""
    inputs: Mapping[str, str] | None = None
    dataset: Dataset | None = None


class Tracker(Protocol):
    """One run of an experiment log. Metrics are numbers; artifacts are files."""

    @property
    def run_id(self) -> str | None:
        """Id of the run on the tracking server, if it has one."""
        ...

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters. Each can be recorded only once."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record metrics, optionally at a step."""
        ...

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a copy of a file or folder with the run."""
        ...

    def log_dataset(self, dataset: Dataset) -> None:
        """Record data that the run used."""
        ...

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""
        ...

    def child(self, name: str, key: str | None = None) -> AbstractContextManager[Tracker]:
        """Open a run nested in this one. An exception inside marks it as failed.

        Args:
            name: Name of the run.
            key: If there is a run with the same key, that run is continued.
        """
        ...

    def spool(self) -> Path | None:
        """Return the folder where other processes may write nested runs; None if they cannot."""
        ...


@dataclass(frozen=True)
class RunningTrial:
    """A running trial.

    Attributes:
        slot: Number of the trial.
        share: Share of its steps that it has done.
        curve: Loss at each length so far.
        worker: Name of its worker.
        seconds: Time since it was claimed.
    """

    slot: int
    share: float
    curve: tuple[float, ...]
    worker: str
    seconds: float


@dataclass(frozen=True)
class SweepProgress:
    """The progress of a sweep.

    Attributes:
        name: Name of the sweep.
        total: Number of trials it will have.
        states: Number of complete, pruned and failed trials.
        running: Running trials on all machines.
        best: Slot and value of the best complete trial.
        ended: Ended trials in the order in which they ended: slot, state, and value or error.
        seconds_left: Estimated time left, from the ended trials; None if there are none.
    """

    name: str
    total: int
    states: Mapping[str, int]
    running: Sequence[RunningTrial]
    best: tuple[int, float] | None
    ended: Sequence[tuple[int, str, str]]
    seconds_left: float | None


class Console(Protocol):
    """Shows messages and progress to the user."""

    def named(self, name: str) -> Console:
        """Return the same console with another name at the start of messages."""
        ...

    def note(self, message: str) -> None:
        """Show one message."""
        ...

    def progress(self, description: str, total: int) -> AbstractContextManager[Progress]:
        """Show a bar for ``total`` units of work."""
        ...

    def sweep(self) -> AbstractContextManager[Callable[[SweepProgress], None]]:
        """Show a sweep. Call the yielded function with each new progress."""
        ...


class Progress(Protocol):
    """A progress bar."""

    def advance(self, text: str = "", by: int = 1) -> None:
        """Count units of work as done; ``text`` is shown after the bar."""
        ...
