"""Send the spool to MLflow in batches, from a thread. Nothing is sent twice."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# If the server is gone, a call must not block the thread for minutes: the thread tries again.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_SOURCE_NAME,
)

from restock.data.files import replacing
from restock.data.locks import file_lock
from restock.errors import ConfigError, LockedError, UnreachableError
from restock.settings.tracking import TrackingSettings
from restock.tracking.mlflow.dataset import dataset_input
from restock.tracking.mlflow.tracker import BATCH, COMMAND_TAG, connect_to_log, parent_run
from restock.tracking.protocol import Dataset
from restock.tracking.spool import Spool, events

KEY_TAG = "restock.key"
SENT = "sent.json"
EVERY = 2.0  # seconds between two passes
LAST_WAIT = 15.0  # seconds that a finished command waits for a server that does not answer
GONE = (
    MlflowException,
    UnreachableError,
    ConfigError,
    requests.exceptions.RequestException,
    OSError,
)


class Sender:
    """Sends runs of a spool to one experiment. Only one process sends at a time."""

    def __init__(self, spool: Spool, settings: TrackingSettings, root: Path) -> None:
        """Keep the settings. The connection is made later, because the server may be gone."""
        self.spool, self.settings, self.root = spool, settings, root
        self._connection: tuple[MlflowClient, str] | None = None

    def send(self) -> int:
        """Send what is new; return the number of runs that are not completely sent.

        Raises:
            MlflowException: If the server refuses or does not answer. A later call continues.
            LockedError: If another process is sending.
        """
        with file_lock(self.spool.folder.with_suffix(".lock"), timeout=0.0):
            left = 0
            for key in self.spool.waiting():
                left += not self._send_run(key)
            return left

    def _connect(self) -> tuple[MlflowClient, str]:
        if self._connection is None:
            self._connection = connect_to_log(self.settings, self.root)
        return self._connection

    def _send_run(self, key: str) -> bool:
        """Send what is new in a run; return whether the run has ended and is completely sent."""
        folder = self.spool.folder / key
        path = folder / SENT
        sent = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        offsets: dict[str, int] = sent.get("offsets", {})
        fresh: list[dict[str, Any]] = []
        for file in sorted(folder.glob("events-*.jsonl")):
            content = file.read_bytes()
            fresh += events(content[offsets.get(file.name, 0) :])
            offsets[file.name] = _whole(content)
        if fresh:
            run_id = sent.get("run_id") or self._run_id(key, fresh)
            self._deliver(run_id, folder, fresh)
            pipeline = sent.get("pipeline") or _pipeline(fresh)
            self._fail_pipeline(pipeline, fresh)
            with replacing(path) as aside:
                state = {"run_id": run_id, "offsets": offsets, "pipeline": pipeline}
                aside.write_text(json.dumps(state), encoding="utf-8")
        # More may have been written in the meantime: then the run is not completely sent.
        if not self.spool.has_ended(key) or _sizes(folder) != offsets:
            return False
        shutil.rmtree(folder)
        return True

    def _run_id(self, key: str, fresh: list[dict[str, Any]]) -> str:
        """Find the run with this key, or create it. Several machines may write to the same run."""
        found = self._find(key)
        if found is not None:
            return found
        client, experiment_id = self._connect()
        start = next(event for event in fresh if event["kind"] == "start")
        tags = {KEY_TAG: key, **start["tags"]}
        if "commit" in tags:
            tags[MLFLOW_GIT_COMMIT] = tags.pop("commit")
        if COMMAND_TAG in tags:
            tags[MLFLOW_SOURCE_NAME] = f"restock {tags[COMMAND_TAG]}"
        parent = self._parent(start)
        if parent is not None:
            tags[MLFLOW_PARENT_RUN_ID] = parent
            experiment_id = str(client.get_run(parent).info.experiment_id)
        made = client.create_run(
            experiment_id, run_name=start["name"], tags=tags, start_time=start["at"]
        )
        first = self._find(key)  # another machine may have created it at the same moment
        if first is not None and first != made.info.run_id:
            client.delete_run(made.info.run_id)
            return first
        return str(made.info.run_id)

    def _find(self, key: str) -> str | None:
        client, experiment_id = self._connect()
        found = client.search_runs(
            [experiment_id],
            f"tags.`{KEY_TAG}` = '{key}'",
            max_results=1,
            order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
        )
        return str(found[0].info.run_id) if found else None

    def _parent(self, start: dict[str, Any]) -> str | None:
        if start.get("parent"):
            return self._find(start["parent"])
        client, experiment_id = self._connect()
        return parent_run(client, experiment_id, start.get("inherited"), start.get("pipeline"))

    def _deliver(self, run_id: str, folder: Path, fresh: list[dict[str, Any]]) -> None:
        client, _ = self._connect()
        metrics = [
            Metric(name, value, event["at"], event["step"])
            for event in fresh
            if event["kind"] == "metrics"
            for name, value in event["metrics"].items()
        ]
        params = [
            Param(k, v) for e in fresh if e["kind"] == "params" for k, v in e["params"].items()
        ]
        tags = [
            RunTag(k, v[:5000]) for e in fresh if e["kind"] == "tags" for k, v in e["tags"].items()
        ]
        for at in range(0, max(len(metrics), 1), BATCH):
            client.log_batch(run_id, metrics[at : at + BATCH], tags=[] if at else tags[:100])
        for at in range(100, len(tags), 100):
            client.log_batch(run_id, tags=tags[at : at + 100])
        for at in range(0, len(params), 100):
            _log_params(client, run_id, params[at : at + 100])
        datasets = [Dataset(**e["dataset"]) for e in fresh if e["kind"] == "dataset"]
        if datasets:
            client.log_inputs(run_id, list(map(dataset_input, datasets)))
        for event in fresh:
            if event["kind"] == "artifact":
                _send_artifact(client, run_id, folder / event["path"], event["folder"])
        self._set_status(run_id, fresh)

    def _set_status(self, run_id: str, fresh: list[dict[str, Any]]) -> None:
        client, _ = self._connect()
        marks = [event for event in fresh if event["kind"] in ("start", "end")]
        if not marks:
            return
        last = sorted(marks, key=lambda event: event["at"])[-1]  # if equal, the later line
        if last["kind"] == "end":
            client.set_terminated(run_id, last["status"], end_time=last["at"])
        elif client.get_run(run_id).info.status != "RUNNING":  # a sweep that is resumed
            client.update_run(run_id, RunStatus.to_string(RunStatus.RUNNING))

    def _fail_pipeline(self, pipeline: str | None, fresh: list[dict[str, Any]]) -> None:
        """End the parent run if a command of the pipeline failed: no other command will end it."""
        if pipeline and any(e["kind"] == "end" and e["status"] != "FINISHED" for e in fresh):
            client, experiment_id = self._connect()
            parent = parent_run(client, experiment_id, None, pipeline)
            client.set_terminated(parent, RunStatus.to_string(RunStatus.FAILED))


def _sizes(folder: Path) -> dict[str, int]:
    return {file.name: _whole(file.read_bytes()) for file in folder.glob("events-*.jsonl")}


def _whole(content: bytes) -> int:
    """Return the number of bytes in complete lines. A kill can leave an incomplete last line."""
    return content.rfind(b"\n") + 1


def _pipeline(fresh: list[dict[str, Any]]) -> str | None:
    """Return the token of a run's pipeline; None if `mlflow run` made the parent run."""
    start: dict[str, Any] = next((event for event in fresh if event["kind"] == "start"), {})
    return None if start.get("inherited") else start.get("pipeline")


def _log_params(client: MlflowClient, run_id: str, params: list[Param]) -> None:
    """Log parameters. MLflow cannot change one: a later value (a longer sweep) becomes a tag."""
    try:
        client.log_batch(run_id, params=params)
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":
            raise
        client.log_batch(run_id, tags=[RunTag(param.key, param.value) for param in params])


def _send_artifact(client: MlflowClient, run_id: str, path: Path, folder: str | None) -> None:
    if path.is_dir():
        client.log_artifacts(run_id, str(path), f"{folder}/{path.name}" if folder else path.name)
    else:
        client.log_artifact(run_id, str(path), folder)


@contextmanager
def sending(sender: Sender, say: Callable[[str], None]) -> Iterator[None]:
    """Send from a thread while the block runs, and send the rest after it.

    Args:
        sender: Sends the runs.
        say: Prints a message when the server is gone, when it is back, and if runs could not be
            sent at the end.
    """
    done = threading.Event()

    def loop() -> None:
        gone = False
        while not done.wait(EVERY):
            try:
                with suppress(LockedError):
                    sender.send()
                if gone:
                    say("the tracking server is back; the waiting runs were sent")
                gone = False
            except GONE as error:
                if not gone:
                    said = "cannot be used" if isinstance(error, ConfigError) else "is gone"
                    say(f"the tracking server {said}; runs are kept on disk ({_short(error)})")
                gone = True

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        drain(sender, say, LAST_WAIT)


def drain(sender: Sender, say: Callable[[str], None], patience: float) -> int:
    """Send all runs within ``patience`` seconds. Returns the number of runs that could not be sent.

    ``say`` prints a message about these.
    """
    until = time.monotonic() + patience
    while True:
        try:
            sender.send()
        except LockedError as error:
            problem = str(error)
        except GONE as error:
            problem = _short(error)
        else:
            return 0
        if time.monotonic() > until:
            left = len(sender.spool.waiting())
            say(f"{left} run(s) wait on disk: {problem}. `restock sync` sends them.")
            return left
        time.sleep(0.5)


def _short(error: Exception) -> str:
    if isinstance(error, ConfigError):  # it says what to do
        return str(error)
    return str(error).splitlines()[0][:160]
