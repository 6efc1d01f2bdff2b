"""How rooms below say what happens, without knowing who listens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol


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

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""
        ...

    def child(self, name: str) -> AbstractContextManager[Tracker]:
        """Open a run nested in this one. An exception inside marks it as failed."""
        ...


class Console(Protocol):
    """Where a person watches."""

    def note(self, message: str) -> None:
        """Say one thing."""
        ...

    def progress(self, description: str, total: int) -> AbstractContextManager[Progress]:
        """Show a bar for ``total`` units of work."""
        ...


class Progress(Protocol):
    """A bar that moves."""

    def advance(self, text: str = "") -> None:
        """One unit is done; ``text`` says how it stands."""
        ...
