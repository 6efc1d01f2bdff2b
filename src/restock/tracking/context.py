"""What a stage or a command is handed: its settings, and who is around it."""

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
    """One view of the settings, and the surroundings of whoever reads it.

    Attributes:
        settings: What it may read of the configuration, and nothing else.
        files: Where its inputs lie and its outputs go.
        root: The project's folder: what outlives a run is kept below it.
        console: Where a person watches.
        tracker: Where it is logged.
        origin: What a run that starts here comes from.
        from_pipeline: Whether `dvc repro` runs it, which expects complete work to be done anew.
    """

    settings: S
    files: Layout
    root: Path
    console: Console
    tracker: Tracker
    origin: Origin = field(default_factory=Origin)
    from_pipeline: bool = False

    def narrowed(self, view: type[V], **changes: Any) -> Context[V]:
        """Return the same surroundings with a narrower view of the settings.

        Args:
            view: What is left of them.
            changes: Surroundings that are other ones, by attribute.
        """
        settings = narrowed(view, self.settings)
        return replace(self, settings=settings, **changes)  # type: ignore[arg-type, return-value]
