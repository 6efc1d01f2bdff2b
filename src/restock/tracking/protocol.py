"""How code says what happens, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # a command that answers without a frame need not wait for pandas
    import pandas as pd

# What a command answers: titled texts and tables.
Rows = list[dict[str, Any]]
Parts = list[tuple[str, "pd.DataFrame | Rows | str"]]


@dataclass(frozen=True)
class Dataset:
    """Data that a run saw, and where DVC keeps it.

    Attributes:
        name: Of the data set.
        path: In the project.
        md5: DVC's hash.
        remote: Name of DVC's default remote; empty: none is configured.
        revision: Git revision of the project.
    """

    name: str
    path: str
    md5: str
    remote: str
    revision: str


@dataclass(frozen=True)
class Origin:
    """What a run comes from.

    Attributes:
        commit: Git revision of the project.
        config: The whole composed configuration, as plain data.
        patch: What was changed in the project since its commit, as git writes it.
        inputs: Hashes of what was read, by name; None: what was read is not kept with this run.
        dataset: The panel, as the tracking server shows it.
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
        """Identifier of the run in its log, where it has one."""
        ...

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record what the run was given, once."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record what the run measured, optionally at a step."""
        ...

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a copy of a file or folder with the run."""
        ...

    def log_dataset(self, dataset: Dataset) -> None:
        """Record data that the run saw."""
        ...

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""
        ...

    def child(self, name: str, key: str | None = None) -> AbstractContextManager[Tracker]:
        """Open a run nested in this one. An exception inside marks it as failed.

        Args:
            name: What a person sees.
            key: Go on with the run that was opened with the same key, if there is one.
        """
        ...

    def spool(self) -> Path | None:
        """Return the folder where other processes may write runs nested in this one by its key."""
        ...


@dataclass(frozen=True)
class RunningTrial:
    """A trial at work.

    Attributes:
        slot: Which one.
        curve: Loss after each epoch so far.
        worker: Who runs it.
        seconds: Since it was taken.
    """

    slot: int
    curve: tuple[float, ...]
    worker: str
    seconds: float


@dataclass(frozen=True)
class SweepProgress:
    """How a sweep stands.

    Attributes:
        name: The sweep's.
        total: Trials there will be.
        states: How many trials are complete, pruned and failed.
        running: What is at work now, on all machines.
        best: Slot and value of the best complete trial.
        ended: Ended trials in the order they ended: slot, state, and its value or error.
        seconds_left: Estimate, from the trials that have ended; None before there is one.
    """

    name: str
    total: int
    states: Mapping[str, int]
    running: Sequence[RunningTrial]
    best: tuple[int, float] | None
    ended: Sequence[tuple[int, str, str]]
    seconds_left: float | None


class Console(Protocol):
    """Where a person watches."""

    def named(self, name: str) -> Console:
        """Return the same place, where what is said begins with another name."""
        ...

    def note(self, message: str) -> None:
        """Say one thing."""
        ...

    def progress(self, description: str, total: int) -> AbstractContextManager[Progress]:
        """Show a bar for ``total`` units of work."""
        ...

    def sweep(self) -> AbstractContextManager[Callable[[SweepProgress], None]]:
        """Show a sweep; what is yielded is called with each new view of it."""
        ...


class Progress(Protocol):
    """A bar that moves."""

    def advance(self, text: str = "") -> None:
        """One unit is done; ``text`` says how it stands."""
        ...
