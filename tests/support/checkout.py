"""A git checkout of this project with a small table, under DVC."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from support.builders import table
from support.forked import programs

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
YAML = """
defaults: [base, _self_]
name: online_retail
source: {path: sales.csv}
columns: {timestamp: date, series: [store, item], demand: sales}
frequency: W-SUN
"""


def sh(*command: str, cwd: Path, ok: bool = True, **extra: str) -> str:
    """Run a command and return what it said.

    Args:
        command: A program and its arguments.
        cwd: Where.
        ok: Whether it should leave with exit code 0.
        extra: Environment variables.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "RESTOCK_"))}
    env |= {"PATH": f"{programs()}:{BIN}:{env['PATH']}", "DVC_NO_ANALYTICS": "1", **extra}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def make_checkout(folder: Path, stages: tuple[str, ...] = ()) -> Path:
    """Lay out a checkout whose pipeline is tiny; nothing has run, nothing is committed.

    Args:
        folder: An empty one.
        stages: The pipeline is cut down to these; none: it is whole.
    """
    for name in ("conf", "src", "dvc.yaml", ".dvcignore", ".gitignore"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    if stages:
        pipeline = yaml.safe_load((folder / "dvc.yaml").read_text())
        kept = {name: pipeline["stages"][name] for name in stages}
        (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": kept}, sort_keys=False))
    (folder / "conf/data/online_retail.yaml").write_text(YAML)
    table(5, 60).to_csv(folder / "conf/data/sales.csv", index=False)
    config = folder / "conf/config.yaml"
    config.write_text(config.read_text().replace("debug: null", "debug: tiny"))
    sh("git", "init", "-q", cwd=folder)
    sh("git", "config", "user.email", "test@example.org", cwd=folder)
    sh("git", "config", "user.name", "test", cwd=folder)
    sh("dvc", "init", "-q", cwd=folder)
    shutil.copy(ROOT / ".dvc/config", folder / ".dvc/config")
    sh("restock", "params", cwd=folder)
    return folder


def commit(folder: Path, message: str) -> None:
    sh("git", "add", "-A", cwd=folder)
    sh("git", "commit", "-qm", message, cwd=folder)


def ran(output: str) -> list[str]:
    """Return the stages that DVC ran."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]
