"""A tracker that writes to MLflow, and the connection to the tracking store."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_DISABLE_AGENT_HINTS", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import logging

from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_SOURCE_NAME,
)

from restock.data.locks import file_lock
from restock.errors import ConfigError, UnreachableError
from restock.settings.base import masked
from restock.settings.tracking import TrackingSettings
from restock.tracking.mlflow.dataset import dataset_input
from restock.tracking.protocol import Dataset, Tracker
from restock.tracking.uri import tracking_uri

# Without this, MLflow prints each migration of a new database.
logging.getLogger("mlflow").setLevel(logging.WARNING)

# One `make run` (or one multirun) has one token. Its commands find their common parent run by it.
PIPELINE_VARIABLE = "RESTOCK_PIPELINE"
PIPELINE_TAG = "restock.pipeline"
BUNDLE_TAG = "restock.bundle"
COMMAND_TAG = "restock.command"
FLUSH_SECONDS = 5.0
# What a store answers about a run that it has not; a server with users says it is not allowed.
NO_RUN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "PERMISSION_DENIED")
BATCH = 900  # MLflow takes at most 1,000 metrics per call
# Which view the UI opens an experiment in. Without it, an experiment may open as one of GenAI.
KIND_TAG, MODEL_TRAINING = "mlflow.experimentKind", "custom_model_development"


def connect(settings: TrackingSettings, root: Path) -> tuple[MlflowClient, str]:
    """Return a client and the id of the experiment, which is created if there is none.

    A new SQLite store is migrated here. Only one process at a time does this, because migrations at
    the same time would fail.

    Raises:
        UnreachableError: If the store cannot be used.
        ConfigError: If the experiment was deleted.
    """
    uri = tracking_uri(settings, root)
    try:
        return _connect(uri, settings.experiment_name, root)
    except MlflowException as error:
        text = masked(f"the tracking store {uri} cannot be used: {error}. Check tracking.uri.")
        raise UnreachableError(text) from error


def _connect(uri: str, experiment_name: str, root: Path) -> tuple[MlflowClient, str]:
    with _store_lock(uri):
        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment_name)
        if found is not None:
            if found.lifecycle_stage != LifecycleStage.ACTIVE:
                raise ConfigError(
                    f"tracking.experiment_name: the experiment {experiment_name!r} was deleted in "
                    "MLflow. Restore it (`mlflow experiments restore --experiment-id "
                    f"{found.experiment_id}`), or set another name."
                )
            return client, str(found.experiment_id)
        location = None
        if uri.startswith("sqlite:"):
            location = (root.resolve() / "mlartifacts").as_uri()
        tags = {KIND_TAG: MODEL_TRAINING}
        return client, str(client.create_experiment(experiment_name, location, tags))


def connect_to_log(settings: TrackingSettings, root: Path) -> tuple[MlflowClient, str]:
    """Connect, and tag the experiment as model training where it has no kind.

    An older version made it without. Who only reads need not be allowed to change it.
    """
    client, experiment_id = connect(settings, root)
    if KIND_TAG not in client.get_experiment(experiment_id).tags:
        client.set_experiment_tag(experiment_id, KIND_TAG, MODEL_TRAINING)
    return client, experiment_id


def _store_lock(uri: str) -> AbstractContextManager[None]:
    if not uri.startswith("sqlite:///"):
        return nullcontext()
    return file_lock(Path(uri.removeprefix("sqlite:///")).with_suffix(".db.lock"))


class MlflowTracker:
    """One MLflow run. Metrics are sent in batches; the rest is sent at the end of the run."""

    def __init__(self, client: MlflowClient, experiment_id: str, run_id: str) -> None:
        """Use a run that was just created."""
        self.client, self.experiment_id, self.run_id = client, experiment_id, run_id
        self._pending: list[Metric] = []
        self._sent_at = time.monotonic()

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters, as text."""
        items = [Param(key, str(value)) for key, value in params.items()]
        for start in range(0, len(items), 100):
            self.client.log_batch(self.run_id, params=items[start : start + 100])

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Queue metrics and send the queue every few seconds."""
        now = int(time.time() * 1000)
        self._pending += [Metric(k, float(v), now, step or 0) for k, v in metrics.items()]
        if time.monotonic() - self._sent_at > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send all queued metrics."""
        for start in range(0, len(self._pending), BATCH):
            self.client.log_batch(self.run_id, metrics=self._pending[start : start + BATCH])
        self._pending.clear()
        self._sent_at = time.monotonic()

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Copy a file or folder to the run."""
        if path.is_dir():
            inside = f"{folder}/{path.name}" if folder else path.name
            self.client.log_artifacts(self.run_id, str(path), inside)
        else:
            self.client.log_artifact(self.run_id, str(path), folder)

    def log_dataset(self, dataset: Dataset) -> None:
        """Record data that the run used."""
        self.client.log_inputs(self.run_id, [dataset_input(dataset)])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""
        self.client.log_batch(self.run_id, tags=[RunTag(k, str(v)[:5000]) for k, v in tags.items()])

    @contextmanager
    def child(self, name: str, key: str | None = None) -> Iterator[Tracker]:  # noqa: ARG002
        """Open a nested run; it ends as failed if an exception leaves the block."""
        tags = {MLFLOW_PARENT_RUN_ID: self.run_id}
        with _run(self.client, self.experiment_id, name, tags) as run:
            yield run

    def spool(self) -> Path | None:
        """Return None: this run is written directly to the server."""
        return None


@contextmanager
def open_run(
    settings: TrackingSettings, root: Path, name: str, tags: Mapping[str, str]
) -> Iterator[MlflowTracker]:
    """Open the run of one command, nested in its pipeline's run if there is one.

    Args:
        settings: Where to log.
        root: The project's folder.
        name: The command.
        tags: Labels, such as the commit.
    """
    client, experiment_id = connect_to_log(settings, root)
    inherited, token = os.environ.get("MLFLOW_RUN_ID"), os.environ.get(PIPELINE_VARIABLE)
    parent = parent_run(client, experiment_id, inherited, token)
    if parent is not None:  # runs nest within one experiment only
        experiment_id = str(client.get_run(parent).info.experiment_id)
    labels = {COMMAND_TAG: name, MLFLOW_SOURCE_NAME: f"restock {name}", **tags}
    if "commit" in tags:
        labels[MLFLOW_GIT_COMMIT] = labels.pop("commit")
    if parent is not None:
        labels[MLFLOW_PARENT_RUN_ID] = parent
    try:
        with _run(client, experiment_id, name, labels) as run:
            yield run
    except BaseException:
        if parent is not None and "MLFLOW_RUN_ID" not in os.environ:
            client.set_terminated(parent, RunStatus.to_string(RunStatus.FAILED))
        raise


def parent_run(
    client: MlflowClient, experiment_id: str, inherited: str | None, token: str | None
) -> str | None:
    """Return the parent run of a pipeline's commands. The first call creates it.

    Args:
        client: Client of the tracking store.
        experiment_id: Experiment of the run.
        inherited: MLFLOW_RUN_ID, if `mlflow run` has set it. Then this is the parent run.
        token: Token of the pipeline; None or empty: there is no parent run.

    Raises:
        ConfigError: If MLFLOW_RUN_ID names no run.
    """
    if inherited:
        _check_exists(client, inherited)
    if inherited or not token:
        return inherited
    query = f"tags.`{PIPELINE_TAG}` = '{token}'"
    found = client.search_runs([experiment_id], query, max_results=1)
    if found:
        return str(found[0].info.run_id)
    name = token.split("-", 1)[0]
    tags = {PIPELINE_TAG: token, COMMAND_TAG: name, MLFLOW_SOURCE_NAME: f"restock {name}"}
    return str(client.create_run(experiment_id, run_name=name, tags=tags).info.run_id)


def _check_exists(client: MlflowClient, run_id: str) -> None:
    try:
        stage = client.get_run(run_id).info.lifecycle_stage
    except MlflowException as error:
        if error.error_code not in NO_RUN:
            raise
        stage = None
    if stage != LifecycleStage.ACTIVE:
        raise ConfigError(
            f"MLFLOW_RUN_ID={run_id} names no run of this tracking store that you may read. Unset "
            "the variable, or set tracking.uri to the store that has the run."
        )


def find_run(
    settings: TrackingSettings, root: Path, name: str
) -> tuple[dict[str, str], dict[str, float]] | None:
    """Return parameters and metrics of the run with this id, or of the newest with this name."""
    client, experiment_id = connect(settings, root)
    for query in (f"attributes.run_id = '{name}'", f"attributes.run_name = '{name}'"):
        for run in client.search_runs([experiment_id], query, max_results=1):
            return dict(run.data.params), dict(run.data.metrics)
    return None


def close_pipeline(settings: TrackingSettings, root: Path, metrics: Mapping[str, float]) -> None:
    """End the pipeline's parent run, if there is one, and log these metrics in it."""
    token = os.environ.get(PIPELINE_VARIABLE)
    if not token:
        return
    client, experiment_id = connect(settings, root)
    query = f"tags.`{PIPELINE_TAG}` = '{token}'"
    for run in client.search_runs([experiment_id], query, max_results=1):
        parent = MlflowTracker(client, experiment_id, run.info.run_id)
        parent.log_metrics(metrics)
        parent.flush()
        client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.FINISHED))


@contextmanager
def _run(
    client: MlflowClient, experiment_id: str, name: str, tags: Mapping[str, str]
) -> Iterator[MlflowTracker]:
    created = client.create_run(experiment_id, run_name=name, tags=dict(tags))
    tracker = MlflowTracker(client, experiment_id, created.info.run_id)
    status = RunStatus.FAILED
    try:
        yield tracker
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        tracker.flush()
        client.set_terminated(tracker.run_id, RunStatus.to_string(status))
