"""Data that DVC keeps, as a dataset of an MLflow run: the UI shows which runs saw the same."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mlflow.entities
from mlflow.data.dataset_source import DatasetSource
from mlflow.entities import DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from restock.tracking.protocol import Dataset


class DvcSource(DatasetSource):  # type: ignore[misc]
    """Where DVC keeps a data set: `mlflow.data.get_source` finds it by the entry point."""

    def __init__(self, dataset: Dataset) -> None:
        """Point at data under version control."""
        self.dataset = dataset

    @staticmethod
    def _get_source_type() -> str:
        return "dvc"

    def load(self, dst_path: str | None = None) -> str:
        """Fetch the data as it was at the revision; run in the project.

        Args:
            dst_path: Folder to write below; none: a new temporary one.

        Returns:
            Path of the data.
        """
        target = Path(dst_path or tempfile.mkdtemp()) / Path(self.dataset.path).name
        command = ["dvc", "get", ".", self.dataset.path, "--rev", self.dataset.revision]
        subprocess.run([*command, "--out", str(target)], check=True, capture_output=True)
        return str(target)

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, Dataset)

    @classmethod
    def _resolve(cls, raw_source: Any) -> DvcSource:
        return cls(raw_source)

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored with a run."""
        return asdict(self.dataset)

    @classmethod
    def from_dict(cls, source_dict: dict[str, Any]) -> DvcSource:
        """Read what was stored with a run."""
        return cls(Dataset(**source_dict))


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
