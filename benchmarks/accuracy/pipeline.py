"""restock's part: its own stages, run through its command line in a folder per set."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

from sets import HERE, BenchmarkSet

from restock.cli.compose import Job, compose
from restock.config import Settings

ROOT = HERE.parents[1]
STAGES = ("fetch", "prepare", "featurize", "train", "evaluate")
FAST = (
    "training.max_epochs=2",
    "evaluation.baselines.names=[naive,seasonal_naive,moving_median]",
)


def prepare_table(benchmark: BenchmarkSet, folder: Path) -> None:
    """Write the set's table, where restock does not fetch it itself."""
    folder.mkdir(parents=True, exist_ok=True)
    if benchmark.prepare is not None:
        benchmark.prepare(table_path(folder))


def table_path(folder: Path) -> Path:
    """Return where a set's prepared table lies."""
    return folder / "table.parquet"


def arguments(benchmark: BenchmarkSet, folder: Path, *, fast: bool) -> list[str]:
    """Return what every restock command of this set is called with."""
    given = [
        *("--config-dir", str(HERE / "conf")),
        f"experiment={benchmark.name}",
        f"output_dir={folder / 'outputs'}",
        "tracking=none",
        "training.use_tuned=false",
    ]
    if benchmark.prepare is not None:
        given.append(f"data.source.path={table_path(folder)}")
    return [*given, *(FAST if fast else ())]


def read_settings(given: list[str]) -> Settings:
    """Compose the settings that those arguments mean."""
    found: list[Settings] = []

    def keep(job: Job) -> None:
        found.append(job.settings)

    with chdir(ROOT):
        compose("evaluate", given, keep)
    return found[0]


def run_stages(stages: tuple[str, ...], given: list[str], folder: Path) -> None:
    """Run stages one by one, and note the seconds that each took, start of Python included."""
    seconds = read_seconds(folder)
    for stage in stages:
        start = time.perf_counter()
        command = [sys.executable, "-m", "restock.cli.main", stage, *given]
        subprocess.run(command, check=True, cwd=ROOT)
        seconds[stage] = time.perf_counter() - start
        write_json(folder / "seconds.json", seconds)


def read_seconds(folder: Path) -> dict[str, float]:
    """Return the seconds of the stages that have run."""
    path = folder / "seconds.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
