"""Runs on disk first: nothing is lost, nothing is sent twice, training never waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from restock.config import TrackingSettings
from restock.errors import StoppedError
from restock.tracking.mlflow.sender import Sender
from restock.tracking.spool import Spool, SpoolRun, SpoolTop, events

SETTINGS = TrackingSettings(model_name="m")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def sent(spool: Spool, root: Path) -> dict[str, Any]:
    sender = Sender(spool, SETTINGS, root)
    sender.send()
    client, experiment = sender._connect()
    return {run.info.run_name: run for run in client.search_runs([experiment])}


def test_a_run_arrives_whole_and_its_folder_goes(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "a file.txt").write_text("content")
    with SpoolTop(spool, {"restock.command": "train", "commit": "abc"}).child("train") as run:
        run.log_params({"model.units": 64})
        for step in range(5):
            run.log_metrics({"loss": 5.0 - step}, step=step)
        run.log_artifact(tmp_path / "a file.txt", "files")
        with run.child("trial 0") as trial:
            trial.log_metrics({"wql": 0.25})
    assert len(spool.waiting()) == 2
    runs = sent(spool, tmp_path)
    assert spool.waiting() == []
    assert runs["train"].info.status == "FINISHED"
    assert runs["train"].data.params == {"model.units": "64"}
    assert runs["train"].data.tags["mlflow.source.git.commit"] == "abc"
    assert runs["train"].data.tags["mlflow.source.name"] == "restock train"
    assert runs["trial 0"].data.tags["mlflow.parentRunId"] == runs["train"].info.run_id
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    history = client.get_metric_history(runs["train"].info.run_id, "loss")
    assert [metric.value for metric in history] == [5.0, 4.0, 3.0, 2.0, 1.0]
    files = client.list_artifacts(runs["train"].info.run_id, "files")
    assert [file.path for file in files] == ["files/a file.txt"]


def test_sending_again_what_was_sent_changes_nothing(spool: Spool, tmp_path: Path) -> None:
    run = spool.open("train")
    run.log_params({"a": 1})
    for step in range(3):
        run.log_metrics({"loss": 1.0}, step=step)
    sent(spool, tmp_path)
    (run.folder / "sent.json").unlink()  # as if killed before it was noted
    run.log_metrics({"loss": 2.0}, step=3)
    runs = sent(spool, tmp_path)
    assert list(runs) == ["train"]
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert len(client.get_metric_history(runs["train"].info.run_id, "loss")) == 4


def test_a_run_is_gone_on_with_by_its_key(spool: Spool, tmp_path: Path) -> None:
    top = SpoolTop(spool, {})
    with top.child("sweep", key="k") as run:
        run.log_params({"best": 1})
    with pytest.raises(StoppedError), top.child("sweep", key="k"):
        raise StoppedError
    assert sent(spool, tmp_path)["sweep"].info.status == "KILLED"
    with top.child("sweep", key="k") as run:
        assert sent(spool, tmp_path)["sweep"].info.status == "RUNNING"
        run.log_params({"best": 2})  # MLflow changes no parameter: it becomes a tag
    found = sent(spool, tmp_path)
    assert len(found) == 1
    assert found["sweep"].info.status == "FINISHED"
    assert found["sweep"].data.params == {"best": "1"}
    assert found["sweep"].data.tags["best"] == "2"


def test_a_failing_command_fails_its_run_and_its_pipeline(spool: Spool, tmp_path: Path) -> None:
    top = SpoolTop(spool, {}, pipeline="make run-1-2")
    with pytest.raises(ZeroDivisionError), top.child("train"):
        raise ZeroDivisionError
    statuses = {name: run.info.status for name, run in sent(spool, tmp_path).items()}
    assert statuses == {"train": "FAILED", "make run": "FAILED"}


def test_a_line_that_was_cut_short_is_no_event(spool: Spool) -> None:
    run = spool.open("train")
    with run._path.open("ab") as file:
        file.write(b'{"kind": "metr')
    assert [event["kind"] for event in events(run._path.read_bytes())] == ["start"]
    again = SpoolRun(spool, run.key)  # another writer has a file of its own
    again.log_metrics({"a": 1.0})
    again.end("FINISHED")
    assert spool.has_ended(run.key)


def test_a_run_whose_writer_died_is_closed_once(spool: Spool, tmp_path: Path) -> None:
    spool.open("trial", key="k")
    spool.close("k", "FAILED", {"restock.state": "lost"})
    spool.close("k", "FINISHED", {"restock.state": "other"})
    spool.close("unknown", "FAILED", {})
    found = sent(spool, tmp_path)["trial"]
    assert (found.info.status, found.data.tags["restock.state"]) == ("FAILED", "lost")


def test_what_is_written_while_a_run_is_sent_is_not_lost(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = spool.open("trial")
    original = Sender._deliver

    def deliver(self: Sender, *arguments: Any) -> None:
        original(self, *arguments)
        if not spool.has_ended(run.key):
            run.log_metrics({"wql": 1.0})
            run.end("FINISHED")

    monkeypatch.setattr(Sender, "_deliver", deliver)
    assert sent(spool, tmp_path)["trial"].info.status == "RUNNING"
    found = sent(spool, tmp_path)["trial"]
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"wql": 1.0}
    assert spool.waiting() == []
