"""What MLflow loads of restock by itself, as a plugin: where DVC keeps the data of a run.

It stands outside the package and imports nothing of it: MLflow loads its plugins before any model,
and a model that carries another version of the package must find its own.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.data.dataset_source import DatasetSource


class DvcSource(DatasetSource):  # type: ignore[misc]
    """A data set under DVC: `mlflow.data.get_source` finds it by the entry point."""

    def __init__(self, dataset: Mapping[str, Any]) -> None:
        """Point at data under version control, as :mod:`restock.tracking.mlflow.dataset` says."""
        self.dataset = dict(dataset)

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
        path, revision = self.dataset["path"], self.dataset["revision"]
        target = Path(dst_path or tempfile.mkdtemp()) / Path(path).name
        command = ["dvc", "get", ".", path, "--rev", revision, "--out", str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return str(target)

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:  # noqa: ARG004
        """Say that it is only made from what is stored with a run."""
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> DvcSource:
        raise NotImplementedError(raw_source)

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored with a run."""
        return dict(self.dataset)

    @classmethod
    def from_dict(cls, source_dict: dict[str, Any]) -> DvcSource:
        """Read what was stored with a run."""
        return cls(source_dict)
