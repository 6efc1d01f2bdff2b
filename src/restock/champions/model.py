"""A bundle saved as an MLflow model, and the check that it forecasts the same in a clean process.

The model carries our package, so that it can be served where restock is not installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ParamSchema, ParamSpec

import restock
from restock.champions.pyfunc import answer
from restock.champions.registry import ModelVersion, Registry
from restock.data.files import write_json
from restock.errors import IntegrityError
from restock.forecasters.bundle import Bundle
from restock.settings.tree import InventorySettings
from restock.types.panel import DemandPanel

# What a served model imports; pinned to what it was tested with here.
REQUIREMENTS = ("numpy", "pandas", "pydantic", "pyyaml", "holidays", "onnxruntime", "scipy")
EXAMPLE_SERIES, EXAMPLE_PERIODS = 2, 60
EXAMPLE, SMOKE = "example.parquet", "smoke.parquet"
TOLERANCE = 1e-5  # of the largest value
# Runs without our package on its path: it must find the one that the model carries.
CLEAN = """\
import sys, mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
model.predict(pandas.read_parquet(sys.argv[2])).to_parquet(sys.argv[3])
heavy = {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)
sys.exit(f"loading the model imported {', '.join(sorted(heavy))}" if heavy else 0)
"""


def save_model(
    bundle: Bundle, inventory: InventorySettings, panel: DemandPanel, folder: Path
) -> Path:
    """Write a bundle as an MLflow model with an example, and what it answers to that.

    Args:
        bundle: What forecasts.
        inventory: The policy behind the reorder figures.
        panel: Where the example comes from.
        folder: Where to write; it must not exist.
    """
    example = example_input(panel)
    answered = answer(bundle, inventory, example, {})
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # hints about missing integers
        policy = Path(scratch) / "inventory.json"
        write_json(policy, inventory.model_dump(mode="json"))
        package = Path(scratch) / "restock"
        source = Path(restock.__file__).parent
        shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(package / "champions" / "pyfunc.py"),
            artifacts={"bundle": str(bundle.folder), "inventory": str(policy)},
            code_paths=[str(package)],
            signature=_signature(bundle, example, answered),
            input_example=example,
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        )
    example.to_parquet(folder / EXAMPLE, index=False)
    answered.to_parquet(folder / SMOKE, index=False)
    return folder


def example_input(panel: DemandPanel) -> pd.DataFrame:
    """Return recent history of a few series, as a request would hold it."""
    rows = np.argsort(-np.nansum(panel.demand, axis=1), kind="stable")[:EXAMPLE_SERIES]
    taken = panel.take(np.sort(rows))
    first = max(taken.num_steps - EXAMPLE_PERIODS, 0)
    ahead = len(taken.timestamps) - first
    pad = np.full((taken.num_series, taken.num_future), np.nan)

    def flat(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.concatenate([values, pad], axis=1)[:, first:].ravel())

    columns = {
        "series_id": np.repeat(taken.series_id, ahead),
        "timestamp": np.tile(np.asarray(taken.timestamps[first:]), taken.num_series),
        "demand": flat(taken.demand),
    }
    columns |= {str(name): np.repeat(taken.static[name], ahead) for name in taken.static}
    columns |= {name: values[:, first:].ravel() for name, values in taken.known_future.items()}
    columns |= {name: flat(values) for name, values in taken.observed.items()}
    return pd.DataFrame(columns)


def _signature(bundle: Bundle, example: pd.DataFrame, answered: pd.DataFrame) -> ModelSignature:
    inferred = infer_signature(example, answered)
    params = ParamSchema(
        [
            ParamSpec("horizon", "long", bundle.horizon),
            ParamSpec("quantile_levels", "double", list(bundle.manifest.levels), shape=(-1,)),
        ]
    )
    return ModelSignature(inferred.inputs, inferred.outputs, params)


def verify(
    registry: Registry,
    version: ModelVersion,
    load: Callable[[Path, Path], None] | None = None,
) -> None:
    """Fetch a version, check its files, load it in a clean process and repeat its smoke forecast.

    Args:
        registry: Where it is.
        version: Which.
        load: Loads a model from a folder, answers its example there, and writes that to a file;
            none: a new process without our package on its path does.

    Raises:
        IntegrityError: If anything differs; the version is marked as broken.
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
    """Load a model where neither our package nor a training library is at hand.

    Raises:
        IntegrityError: If it does not load, or needs more than serving has.
    """
    command = [sys.executable, "-c", CLEAN, str(model), str(model / EXAMPLE), str(out)]
    hidden = {"PYTHONPATH", "MLFLOW_RUN_ID"}
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    done = subprocess.run(
        command, cwd=out.parent, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise IntegrityError(f"the registered model does not load in a clean process: {last}")


def check_same_answer(label: str, found: pd.DataFrame, stored: pd.DataFrame) -> None:
    """Refuse a forecast that is not the stored one.

    Raises:
        IntegrityError: Saying by how much.
    """
    numbers = stored.select_dtypes("number")
    if list(found.columns) != list(stored.columns) or found.shape != stored.shape:
        raise IntegrityError(f"{label}: its smoke forecast has another shape than the stored one")
    apart = (found[numbers.columns].astype(float) - numbers.astype(float)).abs()
    worst = float(np.nanmax(apart / numbers.abs().max().clip(lower=1.0)))
    if not worst <= TOLERANCE:
        raise IntegrityError(
            f"{label}: its smoke forecast differs from the stored one by {worst:.2e} of its scale"
        )
