"""The context of a stage or a command: its settings, files, console and tracker."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from restock.settings.base import Frozen, narrowed
from restock.tracking.protocol import Console, Origin, Tracker
from restock.types.layout import Layout

S = TypeVar("S", bound=Frozen)
V = TypeVar("V", bound=Frozen)


@dataclass(frozen=True)
class Context(Generic[S]):
    """A view of the settings, with everything else that a stage or a command needs.

    Attributes:
        settings: The part of the configuration that it reads.
        files: Paths of its inputs and outputs.
        root: The project's folder.
        console: Where messages are shown.
        tracker: Where runs are logged.
        origin: Commit, configuration and inputs, to be logged with runs.
        from_pipeline: Whether `dvc repro` runs it. Then finished work is done again.
    """

    settings: S
    files: Layout
    root: Path
    console: Console
    tracker: Tracker
    origin: Origin = field(default_factory=Origin)
    from_pipeline: bool = False

    def narrowed(self, view: type[V], **changes: Any) -> Context[V]:
        """Return the same context with a narrower view of the settings.

        Args:
            view: Class of the narrower view.
            changes: Other attributes to replace, by name.
        """
        settings = narrowed(view, self.settings)
        return replace(self, settings=settings, **changes)  # type: ignore[arg-type, return-value]
