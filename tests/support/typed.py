"""Commands as real processes, forked from one that has imported what they need already.

A process from scratch imports TensorFlow and MLflow for longer than a small command takes. One that
is forked has an output, a folder, an environment and an exit code of its own, too.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from restock.cli.main import main

ROOT = Path(__file__).parents[2]
COMPOSING = ("restock.cli.compose", "restock.cli.dispatch", "restock.cli.help")
# For tests that train and promote; see the conftest.py of the integration tests.
TRAINING = (
    *COMPOSING,
    "restock.champions.promote",
    "restock.forecasters.baselines.trees",
    "restock.forecasters.lstm.save",
    "restock.stages.evaluate",
    "restock.stages.train",
    "restock.sweeps.launch",
    "restock.tracking.mlflow.tracker",
)
INHERITED = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "RESTOCK_PIPELINE")
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(list(COMPOSING))


def restock(*arguments: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as if it were typed there, with no store that is inherited."""
    with tempfile.TemporaryDirectory() as said:
        out, err = Path(said, "out"), Path(said, "err")
        process = SERVER.Process(target=_run, args=(arguments, cwd, env, out, err))
        process.start()
        process.join()
        return subprocess.CompletedProcess(
            arguments, process.exitcode or 0, out.read_text(), err.read_text()
        )


def _run(arguments: tuple[str, ...], cwd: Path, env: dict[str, str], out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(cwd)
    for name in INHERITED:
        os.environ.pop(name, None)
    os.environ.update(env)
    sys.exit(main(arguments))
