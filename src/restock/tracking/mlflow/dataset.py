"""Data in DVC as a dataset of an MLflow run. The UI shows which runs used the same data.

The plugin in src/restock_mlflow.py can load it again.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import mlflow.entities
from mlflow.entities import DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from restock.tracking.protocol import Dataset


def dataset_input(dataset: Dataset) -> DatasetInput:
    """Return a data set as an input of a run."""
    return DatasetInput(
        mlflow.entities.Dataset(
            name=dataset.name,
            digest=dataset.md5[:36],
            source_type="dvc",
            source=json.dumps(asdict(dataset)),
        ),
        [InputTag(MLFLOW_DATASET_CONTEXT, "training")],
    )
