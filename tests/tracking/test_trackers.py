"""One contract, every tracker; and what only MLflow can get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mlflow import MlflowClient

from restock.config import TrackingSettings
from restock.tracking.memory import MemoryTracker, NullTracker
from restock.tracking.mlflow.tracker import PIPELINE_VARIABLE, close_pipeline, connect, open_run
from restock.types.tracking import Tracker

SETTINGS = TrackingSettings(model_name="m")


@pytest.fixture(params=["null", "memory", "mlflow"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tracker]:
    if request.param == "mlflow":
        with open_run(SETTINGS, tmp_path, "train", {"commit": "abc"}) as run:
            yield run
    else:
        yield NullTracker() if request.param == "null" else MemoryTracker()


class TestContract:
    def test_takes_params_metrics_tags_and_files(self, tracker: Tracker, tmp_path: Path) -> None:
        tracker.log_params({"model.units": 64, "chosen": "lstm"})
        tracker.log_metrics({"loss": 0.5})
        for step in range(3):
            tracker.log_metrics({"wql": 1.0 / (step + 1)}, step=step)
        tracker.set_tags({"state": "complete"})
        (tmp_path / "note.txt").write_text("x")
        tracker.log_artifact(tmp_path / "note.txt", "notes")

    def test_children_nest_and_a_failure_passes_through(self, tracker: Tracker) -> None:
        with tracker.child("trial 0") as trial:
            trial.log_metrics({"wql": 1.0}, step=0)
            with trial.child("fold 0"):
                pass
        with pytest.raises(ZeroDivisionError), tracker.child("trial 1"):
            raise ZeroDivisionError


def runs(root: Path) -> dict[str, Any]:
    client, experiment = connect(SETTINGS, root)
    return {run.info.run_name: run for run in client.search_runs([experiment])}


def test_what_was_logged_is_in_the_store(tmp_path: Path) -> None:
    (tmp_path / "a file.txt").write_text("content")
    with open_run(SETTINGS, tmp_path, "train", {"commit": "abc"}) as run:
        run.log_params({"model.units": 64})
        for step in range(5):
            run.log_metrics({"loss": 5.0 - step}, step=step)
        run.log_artifact(tmp_path / "a file.txt", "files")
        with run.child("trial 0") as trial:
            trial.log_metrics({"wql": 0.25})
    stored = runs(tmp_path)
    assert stored["train"].info.status == "FINISHED"
    assert stored["train"].data.params == {"model.units": "64"}
    assert stored["train"].data.metrics["loss"] == 1.0
    assert stored["train"].data.tags["mlflow.source.git.commit"] == "abc"
    assert stored["trial 0"].data.tags["mlflow.parentRunId"] == stored["train"].info.run_id
    client, _ = connect(SETTINGS, tmp_path)
    history = client.get_metric_history(stored["train"].info.run_id, "loss")
    assert [metric.value for metric in history] == [5.0, 4.0, 3.0, 2.0, 1.0]
    files = client.list_artifacts(stored["train"].info.run_id, "files")
    assert [file.path for file in files] == ["files/a file.txt"]


def test_an_exception_marks_the_run_as_failed_and_keeps_its_metrics(tmp_path: Path) -> None:
    def fail() -> None:
        with open_run(SETTINGS, tmp_path, "train", {}) as run:
            run.log_metrics({"loss": 1.0})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert runs(tmp_path)["train"].info.status == "FAILED"
    assert runs(tmp_path)["train"].data.metrics == {"loss": 1.0}


def test_commands_of_one_pipeline_share_a_parent_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PIPELINE_VARIABLE, "make run-123-4")
    for command in ("tune", "train"):
        with open_run(SETTINGS, tmp_path, command, {}):
            pass
    close_pipeline(SETTINGS, tmp_path, {"wql": 0.5})
    stored = runs(tmp_path)
    parent = stored["make run"]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics == {"wql": 0.5}
    for command in ("tune", "train"):
        assert stored[command].data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_pipeline_that_logs_nothing_leaves_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PIPELINE_VARIABLE, "make run-123-4")
    close_pipeline(SETTINGS, tmp_path, {"wql": 0.5})
    assert runs(tmp_path) == {}


def test_an_inherited_run_is_the_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client, experiment = connect(SETTINGS, tmp_path)
    outer = client.create_run(experiment, run_name="mlflow run").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", outer)
    with open_run(SETTINGS, tmp_path, "train", {}):
        pass
    assert runs(tmp_path)["train"].data.tags["mlflow.parentRunId"] == outer


def test_the_environments_tracking_uri_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", elsewhere)
    with open_run(SETTINGS, tmp_path / "project", "train", {}):
        pass
    assert MlflowClient(elsewhere).get_experiment_by_name("restock") is not None
    assert not (tmp_path / "project" / "mlflow.db").exists()


def test_a_store_below_a_folder_with_a_space_is_the_same_in_mlflow_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "a project"
    with open_run(SETTINGS, root, "train", {}):
        pass
    # `mlflow run` hands its child the path percent-encoded.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{quote(str(root / 'mlflow.db'))}")
    with open_run(SETTINGS, root, "tune", {}):
        pass
    assert not (tmp_path / "a%20project").exists()
    assert set(runs(root)) == {"train", "tune"}
