"""Stages on a small table, run in this process."""

from __future__ import annotations

import importlib
from pathlib import Path

from restock.settings.tree import Settings
from restock.tracking.context import Context
from restock.tracking.memory import MemoryTracker
from restock.types.layout import Layout
from support.builders import settings, table
from support.quiet import QuietConsole


def run(stages: str, chosen: Settings, folder: Path) -> list[str]:
    """Run stages one after the other and return what they said."""
    console = QuietConsole()
    context = Context(Layout.at(folder / "out"), MemoryTracker(), console, folder)
    for stage in stages.split():
        importlib.import_module(f"restock.stages.{stage}").run(chosen, context)
    return console.notes


def own(folder: Path, num_steps: int = 50, **groups: dict[str, object]) -> Settings:
    table(3, num_steps).to_csv(folder / "own.csv", index=False)
    source = {"kind": "file", "path": str(folder / "own.csv")}
    evaluation = {
        "baselines": {"names": ["naive", "moving_median"]},
        **groups.pop("evaluation", {}),
    }
    return settings(data={"source": source}, evaluation=evaluation, **groups)


def untuned(folder: Path, **groups: dict[str, object]) -> Settings:
    training = {"max_epochs": 1, "use_tuned": False, **groups.pop("training", {})}
    return own(folder, training=training, **groups)
