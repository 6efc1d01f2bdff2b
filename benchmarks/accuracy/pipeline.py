"""restock's part: its own stages, run through its command line in a folder per set."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
from sets import HERE, BenchmarkSet

from restock.cli.compose import Job, compose
from restock.data.files import read_json, write_json
from restock.data.folds import latest_origins
from restock.settings.tree import Settings
from restock.types.panel import DemandPanel

ROOT = HERE.parents[1]
PREPARE = ("fetch", "prepare")
FORECAST = ("featurize", "tune", "train", "evaluate")
FAST = (
    "training.max_steps=40",
    "search.num_trials=2",
    "evaluation.baselines.names=[naive,seasonal_naive,moving_median]",
)


def start_anew(folder: Path) -> None:
    """Empty a folder: a sweep that had ended would be found there, and its time not measured."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def prepare_table(benchmark: BenchmarkSet, folder: Path) -> None:
    """Write the set's table, where restock does not fetch it itself."""
    if benchmark.prepare is not None:
        benchmark.prepare(table_path(folder))


def table_path(folder: Path) -> Path:
    """Return where a set's prepared table lies."""
    return folder / "table.parquet"


def arguments(benchmark: BenchmarkSet, chosen: Sequence[str], folder: Path) -> list[str]:
    """Return what every restock command of this set is called with: what is chosen, and where."""
    given = [
        *("--config-dir", str(HERE / "conf")),
        *chosen,
        f"output_dir={folder / 'outputs'}",
        f"engine.study_url=sqlite:///{folder / 'optuna.db'}",
        "tracking=none",
        "training.use_tuned=true",  # a train that is typed would leave the tuning out
    ]
    if benchmark.prepare is not None:
        given.append(f"data.source.path={table_path(folder)}")
    return given


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
    return read_json(path) if path.is_file() else {}


def until(panel: DemandPanel, settings: Settings, tests_ago: int) -> DemandPanel:
    """Return the panel as it was so many tests ago: no demand of theirs is left in it."""
    evaluation = settings.evaluation
    periods = tests_ago * (evaluation.horizon + (evaluation.num_folds - 1) * evaluation.stride)
    last = latest_origins(panel, evaluation.align)
    kept = panel.num_steps - periods
    past = np.s_[:, :kept]
    left = np.arange(kept) <= last[:, None] - periods
    return replace(
        panel,
        demand=np.where(left, panel.demand[past], np.nan),
        in_stock=panel.in_stock[past],
        observed={name: values[past] for name, values in panel.observed.items()},
        static_until=None,  # they stay what they were made from, as the README says
    )
