"""What a stage is handed beside its settings: where files lie, who logs and who watches."""

from __future__ import annotations

from dataclasses import dataclass

from restock.types.layout import Layout
from restock.types.tracking import Console, Tracker


@dataclass(frozen=True)
class Context:
    """The surroundings of a stage."""

    layout: Layout
    tracker: Tracker
    console: Console
