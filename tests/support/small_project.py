"""A small project on disk, and the command line on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import typed
from support.builders import table

ROOT = Path(__file__).parents[2]
RESTOCK = str(Path(sys.executable).with_name("restock"))
SMALL = ["data=own", "debug=tiny", "model.units=16", "search.num_trials=3"]
DATA = """\
defaults: [base, _self_]
source: {kind: file, path: ../../own.csv}
columns: {timestamp: date, series: [store, item], demand: sales}
frequency: W-SUN
"""


def small_project(folder: Path) -> Path:
    """Lay out a project of its own with four series of demand, prepared."""
    subprocess.run(
        ["cp", "-r", str(ROOT / "conf"), str(ROOT / "dvc.yaml"), str(folder)], check=True
    )
    (folder / "conf/data/own.yaml").write_text(DATA)
    table(4, 90).to_csv(folder / "own.csv", index=False)
    for stage in ("fetch", "prepare", "featurize"):
        assert restock(folder, stage, *SMALL).returncode == 0
    return folder


def restock(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return typed.restock(*arguments, cwd=folder)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in typed.INHERITED}
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}
