"""A plugin for MLflow, which loads it by itself: it finds the data of a run in DVC.

It is outside the package and imports nothing from it. MLflow loads its plugins before any model. If
the plugin imported the package, a model with another version of the package would not use its own.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.data.dataset_source import DatasetSource


class DvcSource(DatasetSource):  # type: ignore[misc]
    """A data set under DVC. `mlflow.data.get_source` finds this class by its entry point."""

    def __init__(self, dataset: Mapping[str, Any]) -> None:
        """Keep where the data is; see :mod:`restock.tracking.mlflow.dataset`."""
        self.dataset = dict(dataset)

    @staticmethod
    def _get_source_type() -> str:
        return "dvc"

    def load(self, dst_path: str | None = None) -> str:
        """Fetch the data as it was at the revision. The current folder must be the project.

        Args:
            dst_path: Folder to write to; None: a new temporary one.

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
        """Return False: a source is only made from what is stored with a run."""
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
