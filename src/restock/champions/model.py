"""Save a bundle as an MLflow model, which is registered.

The model contains the part of restock's code that it needs, and no other code. So it can be served
where restock is not installed.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ParamSchema, ParamSpec

from restock.champions.pyfunc import answer
from restock.data.files import write_json
from restock.forecasters.bundle import Bundle
from restock.settings.inventory import InventorySettings
from restock.tracking.code import PACKAGE, needed_files
from restock.types.panel import DemandPanel

# Packages that a served model imports, pinned to the installed versions.
REQUIREMENTS = ("numpy", "pandas", "pydantic", "pyyaml", "holidays", "onnxruntime", "scipy")
SERVED = "restock.champions.pyfunc"
EXAMPLE_SERIES, EXAMPLE_PERIODS = 2, 60
EXAMPLE, SMOKE = "example.parquet", "smoke.parquet"


def save_model(
    bundle: Bundle, inventory: InventorySettings, panel: DemandPanel, folder: Path
) -> Path:
    """Write a bundle as an MLflow model, with an example input and its forecast.

    Args:
        bundle: The bundle.
        inventory: The replenishment policy.
        panel: The panel that the example is taken from.
        folder: Folder to write; it must not exist.
    """
    example = example_input(panel)
    answered = answer(bundle, inventory, example, {})
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # hints about missing integers
        policy = Path(scratch) / "inventory.json"
        write_json(policy, inventory.model_dump(mode="json"))
        package = Path(scratch) / "restock"
        _copy_code(package)
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


def _copy_code(package: Path) -> None:
    """Copy the modules that are needed to load the model and to forecast."""
    for path in needed_files([SERVED]):
        target = package / path.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def example_input(panel: DemandPanel) -> pd.DataFrame:
    """Return recent history of a few series, in the form of a request."""
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
