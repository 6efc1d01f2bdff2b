"""The versions of a registered model, one of which is champion."""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion as MlflowVersion
from mlflow.exceptions import MlflowException

from restock.data.files import digest_tree
from restock.errors import IntegrityError, UserError
from restock.tracking.mlflow.tracker import BUNDLE_TAG

CHAMPION = "champion"
STATE_TAG = "restock.state"  # registered, verified or broken
TREE_TAG = "restock.files"  # digest of all files of the model
# Errors for a missing model or alias. A server with users says PERMISSION_DENIED for both.
NO_CHAMPION = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "PERMISSION_DENIED"}
MLFLOWS_OWN = "registered_model_meta"  # a file that MLflow adds to downloads
Tags = dict[str, str]


@dataclass(frozen=True)
class ModelVersion:
    """A registered bundle.

    Attributes:
        name: Name of the registered model.
        version: Number of the version.
        run_id: Run of the evaluation it was judged by.
        bundle: Digest of the bundle.
        tags: Tags of the version.
    """

    name: str
    version: str
    run_id: str
    bundle: str
    tags: Tags = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name for messages."""
        return f"{self.name} version {self.version}"


class Registry:
    """Versions of one registered model. They can be found by the digest of their bundle."""

    def __init__(self, client: MlflowClient, name: str) -> None:
        """Use a client of the tracking store, which also has the registry."""
        self.client, self.name = client, name
        # MLflow looks up models:/ addresses here, not in the client's store.
        mlflow.set_tracking_uri(client.tracking_uri)

    def find(self, bundle: str) -> ModelVersion | None:
        """Return the version with a bundle, unless it was found to be broken."""
        query = f"name = '{self.name}' and tags.`{BUNDLE_TAG}` = '{bundle}'"
        for found in self.client.search_model_versions(query):
            if found.tags.get(STATE_TAG) != "broken":
                return self._version(found)
        return None

    def get(self, version: str) -> ModelVersion:
        """Return a version by its number.

        Raises:
            UserError: If there is no such version. The message lists the known ones.
        """
        try:
            return self._version(self.client.get_model_version(self.name, version))
        except MlflowException:
            found = self.client.search_model_versions(f"name = '{self.name}'", max_results=20)
            known = ", ".join(str(v.version) for v in found) or "none"
            raise UserError(f"{self.name} has no version {version!r}. Known: {known}.") from None

    def champion(self) -> ModelVersion | None:
        """Return the version that the alias ``champion`` points to."""
        try:
            return self._version(self.client.get_model_version_by_alias(self.name, CHAMPION))
        except MlflowException as error:
            if error.error_code in NO_CHAMPION:
                return None
            raise

    def point_champion_at(self, version: str | None) -> None:
        """Move the alias. Only :class:`History` may call this, because it records every move."""
        if version is None:
            self.client.delete_registered_model_alias(self.name, CHAMPION)
        else:
            self.client.set_registered_model_alias(self.name, CHAMPION, version)

    def register(
        self, model: Path, bundle: str, run_id: str, *, tags: Tags, description: str
    ) -> ModelVersion:
        """Upload a model that was saved to a folder, and make it a new version.

        Args:
            model: Folder of the model.
            bundle: Digest of the bundle in it.
            run_id: Run of the evaluation that it was judged by.
            tags: Tags of the version.
            description: Text for the page of the version, as Markdown.
        """
        experiment_id = self.client.get_run(run_id).info.experiment_id
        with _quietly():
            logged = self.client.create_logged_model(
                experiment_id, name="model", source_run_id=run_id, tags={BUNDLE_TAG: bundle}
            )
            self.client.log_model_artifacts(logged.model_id, str(model))
            self.client.finalize_logged_model(logged.model_id, "READY")
        with contextlib.suppress(MlflowException):  # it exists already
            self.client.create_registered_model(self.name)
        labels = {BUNDLE_TAG: bundle, STATE_TAG: "registered", TREE_TAG: digest_tree(model), **tags}
        created = self.client.create_model_version(
            self.name,
            source=f"models:/{logged.model_id}",
            run_id=run_id,
            tags=labels,
            description=description,
            model_id=logged.model_id,
        )
        return self._version(created)

    def mark(self, version: ModelVersion, state: str) -> None:
        """Record whether a version was verified or found to be broken."""
        self.client.set_model_version_tag(self.name, version.version, STATE_TAG, state)

    @contextlib.contextmanager
    def download(self, version: ModelVersion) -> Iterator[Path]:
        """Yield a folder with the files of a version, after a check of their digest.

        Raises:
            IntegrityError: If they are not the files that were registered.
        """
        with tempfile.TemporaryDirectory() as folder:
            uri = f"models:/{self.name}/{version.version}"
            target = Path(folder) / "model"
            try:
                with _quietly():
                    fetched = mlflow.artifacts.download_artifacts(uri, dst_path=str(target))
            except (MlflowException, OSError) as error:
                raise IntegrityError(
                    f"{version.label}: its files cannot be fetched: {error}"
                ) from error
            (Path(fetched) / MLFLOWS_OWN).unlink(missing_ok=True)
            found, promised = digest_tree(Path(fetched)), version.tags.get(TREE_TAG)
            if found != promised:
                raise IntegrityError(
                    f"{version.label}: its files are not the ones that were registered (sha256 "
                    f"{found[:12]}, registered as {str(promised)[:12]}). Nothing was loaded."
                )
            yield Path(fetched)

    def bundle_of(self, version: ModelVersion, target: Path) -> Path:
        """Copy the bundle of a version to a folder. Nothing is loaded."""
        with self.download(version) as model:
            shutil.copytree(model / "artifacts" / "bundle", target)
        return target

    def _version(self, found: MlflowVersion) -> ModelVersion:
        tags = dict(found.tags)
        return ModelVersion(
            self.name, str(found.version), str(found.run_id), tags.get(BUNDLE_TAG, ""), tags
        )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Hide the progress bars and messages of MLflow when it copies artifacts."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    with contextlib.redirect_stderr(io.StringIO()):
        yield
