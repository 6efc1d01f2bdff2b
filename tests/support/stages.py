"""Stages on a small table, run in this process."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from restock.settings.tree import Settings
from restock.stages.pipeline import PIPELINE
from restock.tracking.context import Context
from restock.tracking.memory import MemoryTracker
from restock.tracking.protocol import Origin
from restock.types.layout import Layout
from support.builders import settings, table
from support.quiet import QuietConsole


def context(chosen: Settings, folder: Path, output: str = "out", **changes: Any) -> Context[Any]:
    """The surroundings of a stage or a command in a project's folder, with all settings."""
    around = {
        "files": Layout.at(folder / output),
        "root": folder,
        "console": QuietConsole(),
        "tracker": MemoryTracker(),
        "origin": Origin(config=chosen.model_dump(mode="json")),
    }
    return Context(chosen, **{**around, **changes})


def run(stages: str, chosen: Settings, folder: Path) -> list[str]:
    """Run stages one after the other and return what they said."""
    console = QuietConsole()
    around = context(chosen, folder, console=console)
    for name in stages.split():
        module = importlib.import_module(f"restock.stages.{name}")
        module.run(around.narrowed(PIPELINE[name].view))
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
    training = {"max_steps": 1, "use_tuned": False, **groups.pop("training", {})}
    return own(folder, training=training, **groups)
