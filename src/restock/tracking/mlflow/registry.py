"""The model registry: versions of bundles, and which one is champion."""

from __future__ import annotations

import contextlib
import io
import logging
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

import restock
from restock.forecasters.bundle import Manifest
from restock.tracking.mlflow.tracker import BUNDLE_TAG

CHAMPION = "champion"
# What a served model imports; pinned to what it was tested with here.
REQUIREMENTS = (
    "numpy", "pandas", "pydantic", "pyyaml", "holidays", "onnxruntime", "pyarrow", "scipy",
)  # fmt: skip


@dataclass(frozen=True)
class ModelVersion:
    """A registered bundle."""

    name: str
    version: str
    run_id: str
    bundle: str


class Registry:
    """Versions of one registered model, found by the digest of the bundle they hold."""

    def __init__(self, client: MlflowClient, name: str) -> None:
        """Use a client of the tracking store; the registry lives beside it."""
        self.client, self.name = client, name

    def find(self, bundle: str) -> ModelVersion | None:
        """Return the version that holds a bundle."""
        query = f"name = '{self.name}' and tags.`{BUNDLE_TAG}` = '{bundle}'"
        for found in self.client.search_model_versions(query, max_results=1):
            return ModelVersion(self.name, str(found.version), str(found.run_id), bundle)
        return None

    def champion(self) -> ModelVersion | None:
        """Return the version that the alias ``champion`` points to."""
        try:
            found = self.client.get_model_version_by_alias(self.name, CHAMPION)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise
        return ModelVersion(
            self.name, str(found.version), str(found.run_id), found.tags.get(BUNDLE_TAG, "")
        )

    def register(
        self, folder: Path, manifest: Manifest, run_id: str, tags: dict[str, str]
    ) -> ModelVersion:
        """Log the bundle as an MLflow model of a run and register it as a new version."""
        model_uri, model_id = self._log_model(folder, run_id)
        with contextlib.suppress(MlflowException):  # it is there already
            self.client.create_registered_model(self.name)
        labels = {BUNDLE_TAG: manifest.digest, "restock.data": manifest.data_digest, **tags}
        created = self.client.create_model_version(
            self.name, source=model_uri, run_id=run_id, tags=labels, model_id=model_id
        )
        return ModelVersion(self.name, str(created.version), run_id, manifest.digest)

    def set_champion(self, chosen: ModelVersion) -> None:
        """Point the alias at a version."""
        self.client.set_registered_model_alias(self.name, CHAMPION, chosen.version)

    def _log_model(self, folder: Path, run_id: str) -> tuple[str, str]:
        mlflow.set_tracking_uri(self.client.tracking_uri)
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        package = Path(restock.__file__).parent
        # MLflow prints progress bars of its own for the artifacts it copies.
        with contextlib.redirect_stderr(io.StringIO()), mlflow.start_run(run_id=run_id):
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(package / "tracking" / "mlflow" / "pyfunc.py"),
                artifacts={"bundle": str(folder)},
                code_paths=[str(package)],
                pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
            )
        return str(logged.model_uri), str(logged.model_id)
