"""Check that a registered version gives the stored forecast in a clean process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from restock.champions.model import EXAMPLE, SMOKE
from restock.champions.registry import ModelVersion, Registry
from restock.errors import IntegrityError

TOLERANCE = 1e-5  # relative to the largest value
# It runs without our package on its path, so that it uses the code in the model.
CLEAN = """\
import sys, mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
model.predict(pandas.read_parquet(sys.argv[2])).to_parquet(sys.argv[3])
heavy = {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)
sys.exit(f"loading the model imported {', '.join(sorted(heavy))}" if heavy else 0)
"""


def verify(
    registry: Registry,
    version: ModelVersion,
    load: Callable[[Path, Path], None] | None = None,
) -> None:
    """Fetch a version, check its files, load it in a clean process and repeat its example forecast.

    Args:
        registry: The registry.
        version: The version.
        load: Loads a model from a folder, forecasts its example and writes the result to a file.
            None: a new process without our package on its path does it.

    Raises:
        IntegrityError: If anything differs. The version is then marked as broken.
    """
    try:
        with registry.download(version) as model, tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "answer.parquet"
            (load or load_in_clean_process)(model, out)
            check_same_answer(version.label, pd.read_parquet(out), pd.read_parquet(model / SMOKE))
    except IntegrityError:
        registry.mark(version, "broken")
        raise
    registry.mark(version, "verified")


def load_in_clean_process(model: Path, out: Path) -> None:
    """Load a model in a process without our package and without training libraries.

    Raises:
        IntegrityError: If it does not load, or imports a training library.
    """
    command = [sys.executable, "-c", CLEAN, str(model), str(model / EXAMPLE), str(out)]
    hidden = {"PYTHONPATH", "MLFLOW_RUN_ID"}
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    done = subprocess.run(
        command, cwd=out.parent, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise IntegrityError(f"the registered model does not load in a clean process: {last}")


def check_same_answer(label: str, found: pd.DataFrame, stored: pd.DataFrame) -> None:
    """Refuse a forecast that differs from the stored one.

    Raises:
        IntegrityError: If it differs. The message says by how much.
    """
    numbers = stored.select_dtypes("number")
    if list(found.columns) != list(stored.columns) or found.shape != stored.shape:
        raise IntegrityError(
            f"{label}: its example forecast has other columns or rows than the stored one "
            f"({found.shape} instead of {stored.shape})"
        )
    apart = (found[numbers.columns].astype(float) - numbers.astype(float)).abs()
    worst = float(np.nanmax(apart / numbers.abs().max().clip(lower=1.0)))
    if not worst <= TOLERANCE:
        raise IntegrityError(
            f"{label}: its example forecast differs from the stored one by {worst:.2e} of the "
            f"largest value; at most {TOLERANCE:.0e} is allowed"
        )
