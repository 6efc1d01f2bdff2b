"""Runs that were logged earlier, with their artifacts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from restock.errors import UserError
from restock.settings.tracking import TrackingSettings
from restock.tracking.mlflow.tracker import BUNDLE_TAG, COMMAND_TAG, connect

NO_COMMIT = "unknown"  # as tracking/revision.py says where git knows none


@dataclass(frozen=True)
class OldRun:
    """A run. Its artifacts are fetched when they are needed.

    Attributes:
        run_id: Its id.
        commit: Git revision of the run.
        bundle: Digest of the bundle that it made or scored.
        uri: URI of the tracking store.
    """

    run_id: str
    commit: str
    bundle: str
    uri: str
    _folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=tempfile.TemporaryDirectory, repr=False
    )

    def artifact(self, path: str) -> Path | None:
        """Return a copy of one of its artifacts, or None if there is none of this name."""
        mlflow.set_tracking_uri(self.uri)
        try:
            return Path(
                mlflow.artifacts.download_artifacts(
                    run_id=self.run_id, artifact_path=path, dst_path=self._folder.name
                )
            )
        except (MlflowException, OSError):
            return None


def find_family(
    settings: TrackingSettings, root: Path, run_id: str
) -> tuple[OldRun, OldRun | None]:
    """Return the training that belongs to a run, and the evaluation of its bundle.

    The run may be the training itself, an evaluation of its bundle, or a pipeline with both.

    Raises:
        UserError: If there is no such run, or no training belongs to it.
    """
    client, experiment_id = connect(settings, root)
    try:
        asked = client.get_run(run_id)
    except MlflowException:
        raise UserError(
            f"there is no run {run_id!r} in {client.tracking_uri}. MLflow's UI shows the id of "
            "each run."
        ) from None
    bundle = asked.data.tags.get(BUNDLE_TAG) or _bundle_below(client, asked)
    runs = {} if bundle is None else _by_command(client, experiment_id, bundle)
    if "train" not in runs:
        raise UserError(
            f"run {run_id} trained no bundle. Name the run of a training, an evaluation or a "
            "pipeline. For a sweep, name the run of the training of its best trial."
        )
    evaluated = runs.get("evaluate")
    return _old(client, runs["train"]), _old(client, evaluated) if evaluated else None


def _bundle_below(client: MlflowClient, parent: Run) -> str | None:
    query = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{parent.info.run_id}'"
    for run in client.search_runs([parent.info.experiment_id], query):
        if run.data.tags.get(COMMAND_TAG) == "train" and BUNDLE_TAG in run.data.tags:
            return str(run.data.tags[BUNDLE_TAG])
    return None


def _by_command(client: MlflowClient, experiment_id: str, bundle: str) -> dict[str, Run]:
    """Return the first run of each command that made or scored a bundle."""
    query = f"tags.`{BUNDLE_TAG}` = '{bundle}'"
    found = client.search_runs(
        [experiment_id], query, order_by=["attributes.start_time DESC"], max_results=100
    )
    return {run.data.tags[COMMAND_TAG]: run for run in found if COMMAND_TAG in run.data.tags}


def _old(client: MlflowClient, run: Run) -> OldRun:
    tags = run.data.tags
    commit = tags.get("restock.commit", NO_COMMIT)
    return OldRun(run.info.run_id, commit, tags[BUNDLE_TAG], client.tracking_uri)
