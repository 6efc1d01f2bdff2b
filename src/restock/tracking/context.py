"""What a stage is handed beside its settings: where files lie, who logs and who watches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from restock.tracking.protocol import Console, Origin, Tracker
from restock.types.layout import Layout


@dataclass(frozen=True)
class Context:
    """The surroundings of a stage.

    Attributes:
        layout: Where its inputs lie and its outputs go.
        tracker: Where it is logged.
        console: Where a person watches.
        root: The project's folder: what outlives a run is kept below it.
        commit: Git revision of the project.
        rerun: Whether a sweep that is complete is to be run anew, as `dvc repro` expects.
        origin: What a sweep that is launched here comes from.
    """

    layout: Layout
    tracker: Tracker
    console: Console
    root: Path
    commit: str = "unknown"
    rerun: bool = False
    origin: Origin | None = None
