"""What every tracker and every tracking store must do; test classes inherit it.

A class that inherits brings the fixtures `tracker` or `store` (see :mod:`support.stores`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from restock.errors import ConfigError, StoppedError
from restock.tracking.mlflow.sender import Sender, drain
from restock.tracking.mlflow.tracker import PIPELINE_VARIABLE, close_pipeline, connect, open_run
from restock.tracking.protocol import Tracker
from restock.tracking.spool import Spool, SpoolTop
from restock.tracking.uri import tracking_uri
from support.stores import Store


def fill(run: Tracker, file: Path) -> None:
    """Log one of each kind to a run."""
    run.log_params({"model.units": 64})
    for step in range(5):
        run.log_metrics({"loss": 5.0 - step}, step=step)
    run.log_artifact(file, "files")
    with run.child("trial 0") as trial:
        trial.log_metrics({"wql": 0.25})


def check_filled(stored: dict[str, Any], store: Store) -> None:
    """Check that all that :func:`fill` logged is in the store, by the names of the runs."""
    train = stored["train"]
    assert train.info.status == "FINISHED"
    assert train.data.params == {"model.units": "64"}
    assert train.data.metrics["loss"] == 1.0
    assert train.data.tags["mlflow.source.git.commit"] == "abc"
    assert stored["trial 0"].data.tags["mlflow.parentRunId"] == train.info.run_id
    client, _ = connect(store.settings, store.root)
    history = client.get_metric_history(train.info.run_id, "loss")
    assert [metric.value for metric in history] == [5.0, 4.0, 3.0, 2.0, 1.0]
    files = client.list_artifacts(train.info.run_id, "files")
    assert [file.path for file in files] == ["files/a file.txt"]


class TrackerContract:
    """Takes the fixture `tracker`."""

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


def runs(store: Store) -> dict[str, Any]:
    """Return all runs of the store's experiment by name."""
    client, experiment = connect(store.settings, store.root)
    return {run.info.run_name: run for run in client.search_runs([experiment])}


def old_experiment(store: Store, **tags: str) -> str:
    """Make the store's experiment as an older version did, without a kind; return its id."""
    uri = tracking_uri(store.settings, store.root)
    location = f"file://{store.root}/mlartifacts" if store.kind == "sqlite" else None
    client = MlflowClient(uri)
    return str(client.create_experiment(store.settings.experiment_name, location, tags))


def kind(store: Store) -> str | None:
    """Return which view MLflow's UI opens the store's experiment in."""
    client, experiment = connect(store.settings, store.root)
    found = client.get_experiment(experiment).tags.get("mlflow.experimentKind")
    return None if found is None else str(found)


class RunContract:
    """Runs written at once; takes the fixture `store`."""

    def test_an_experiment_without_a_kind_gets_one_with_its_next_run(self, store: Store) -> None:
        experiment = old_experiment(store, note="kept")
        assert kind(store) is None  # looking at it changes nothing
        with open_run(store.settings, store.root, "train", {}) as run:
            assert run.experiment_id == experiment
        assert kind(store) == "custom_model_development"
        assert run.client.get_experiment(experiment).tags["note"] == "kept"

    def test_a_kind_that_somebody_chose_stays(self, store: Store) -> None:
        old_experiment(store, **{"mlflow.experimentKind": "genai_development"})
        with open_run(store.settings, store.root, "train", {}):
            pass
        assert kind(store) == "genai_development"

    def test_what_was_logged_is_in_the_store(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "a file.txt").write_text("content")
        with open_run(store.settings, store.root, "train", {"commit": "abc"}) as run:
            fill(run, tmp_path / "a file.txt")
        stored = runs(store)
        check_filled(stored, store)
        client, _ = connect(store.settings, store.root)
        (tmp_path / "back").mkdir()
        name = "files/a file.txt"
        fetched = client.download_artifacts(run.run_id, name, str(tmp_path / "back"))
        assert Path(fetched).read_text() == "content"

    def test_an_exception_marks_the_run_as_failed_and_keeps_its_metrics(self, store: Store) -> None:
        def fail() -> None:
            with open_run(store.settings, store.root, "train", {}) as run:
                run.log_metrics({"loss": 1.0})
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert runs(store)["train"].info.status == "FAILED"
        assert runs(store)["train"].data.metrics == {"loss": 1.0}

    def test_commands_of_one_pipeline_share_a_parent_run(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PIPELINE_VARIABLE, "make run-123-4")
        for command in ("tune", "train"):
            with open_run(store.settings, store.root, command, {}):
                pass
        close_pipeline(store.settings, store.root, {"wql": 0.5})
        stored = runs(store)
        parent = stored["make run"]
        assert parent.info.status == "FINISHED"
        assert parent.data.metrics == {"wql": 0.5}
        for command in ("tune", "train"):
            assert stored[command].data.tags["mlflow.parentRunId"] == parent.info.run_id

    def test_a_pipeline_that_logs_nothing_leaves_no_run(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PIPELINE_VARIABLE, "make run-123-4")
        close_pipeline(store.settings, store.root, {"wql": 0.5})
        assert runs(store) == {}

    def test_an_inherited_run_is_the_parent(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client, experiment = connect(store.settings, store.root)
        outer = client.create_run(experiment, run_name="mlflow run").info.run_id
        monkeypatch.setenv("MLFLOW_RUN_ID", outer)
        with open_run(store.settings, store.root, "train", {}):
            pass
        assert runs(store)["train"].data.tags["mlflow.parentRunId"] == outer

    def test_an_inherited_run_that_is_none_is_named(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
        with (
            pytest.raises(ConfigError, match=r"MLFLOW_RUN_ID=0+ names no run"),
            open_run(store.settings, store.root, "train", {}),
        ):
            pass

    def test_a_deleted_experiment_is_said_as_it_is(self, store: Store, tmp_path: Path) -> None:
        client, experiment = connect(store.settings, store.root)
        client.delete_experiment(experiment)
        with pytest.raises(ConfigError, match=rf"was deleted in MLflow\. Restore.*{experiment}"):
            connect(store.settings, store.root)
        spool = Spool(tmp_path / "spool")
        with SpoolTop(spool, {}).child("train"):
            pass
        said: list[str] = []
        assert drain(Sender(spool, store.settings, store.root), said.append, 0.0) == 1
        assert "was deleted in MLflow" in said[0]
        assert "`restock sync` sends them" in said[0]
        client.restore_experiment(experiment)
        assert drain(Sender(spool, store.settings, store.root), said.append, 0.0) == 0


def sent(spool: Spool, store: Store) -> dict[str, Any]:
    """Send what waits, and return all runs of the store's experiment by name."""
    Sender(spool, store.settings, store.root).send()
    return runs(store)


class SenderContract:
    """Runs written to disk and sent; takes the fixture `store`."""

    @pytest.fixture
    def spool(self, tmp_path: Path) -> Spool:
        return Spool(tmp_path / "spool")

    def test_an_experiment_without_a_kind_gets_one_with_the_next_run(
        self, spool: Spool, store: Store
    ) -> None:
        old_experiment(store)
        spool.open("train")
        sent(spool, store)
        assert kind(store) == "custom_model_development"

    def test_a_run_arrives_whole_and_its_folder_goes(
        self, spool: Spool, store: Store, tmp_path: Path
    ) -> None:
        (tmp_path / "a file.txt").write_text("content")
        with SpoolTop(spool, {"restock.command": "train", "commit": "abc"}).child("train") as run:
            fill(run, tmp_path / "a file.txt")
        assert len(spool.waiting()) == 2
        runs = sent(spool, store)
        assert spool.waiting() == []
        check_filled(runs, store)
        assert runs["train"].data.tags["mlflow.source.name"] == "restock train"

    def test_sending_again_what_was_sent_changes_nothing(self, spool: Spool, store: Store) -> None:
        run = spool.open("train")
        run.log_params({"a": 1})
        for step in range(3):
            run.log_metrics({"loss": 1.0}, step=step)
        sent(spool, store)
        (run.folder / "sent.json").unlink()  # as if killed before it was noted
        run.log_metrics({"loss": 2.0}, step=3)
        runs = sent(spool, store)
        assert list(runs) == ["train"]
        client, _ = connect(store.settings, store.root)
        assert len(client.get_metric_history(runs["train"].info.run_id, "loss")) == 4

    def test_a_run_is_gone_on_with_by_its_key(self, spool: Spool, store: Store) -> None:
        top = SpoolTop(spool, {})
        with top.child("sweep", key="k") as run:
            run.log_params({"best": 1})
        with pytest.raises(StoppedError), top.child("sweep", key="k"):
            raise StoppedError
        assert sent(spool, store)["sweep"].info.status == "KILLED"
        with top.child("sweep", key="k") as run:
            assert sent(spool, store)["sweep"].info.status == "RUNNING"
            run.log_params({"best": 2})  # MLflow changes no parameter: it becomes a tag
        found = sent(spool, store)
        assert len(found) == 1
        assert found["sweep"].info.status == "FINISHED"
        assert found["sweep"].data.params == {"best": "1"}
        assert found["sweep"].data.tags["best"] == "2"

    def test_a_failing_command_fails_its_run_and_its_pipeline(
        self, spool: Spool, store: Store
    ) -> None:
        top = SpoolTop(spool, {}, pipeline="make run-1-2")
        with pytest.raises(ZeroDivisionError), top.child("train"):
            raise ZeroDivisionError
        statuses = {name: run.info.status for name, run in sent(spool, store).items()}
        assert statuses == {"train": "FAILED", "make run": "FAILED"}

    def test_a_run_whose_writer_died_is_closed_once(self, spool: Spool, store: Store) -> None:
        spool.open("trial", key="k")
        spool.close("k", "FAILED", {"restock.state": "lost"})
        spool.close("k", "FINISHED", {"restock.state": "other"})
        spool.close("unknown", "FAILED", {})
        found = sent(spool, store)["trial"]
        assert (found.info.status, found.data.tags["restock.state"]) == ("FAILED", "lost")

    def test_what_is_written_while_a_run_is_sent_is_not_lost(
        self, spool: Spool, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = spool.open("trial")
        original = Sender._deliver

        def deliver(self: Sender, *arguments: Any) -> None:
            original(self, *arguments)
            if not spool.has_ended(run.key):
                run.log_metrics({"wql": 1.0})
                run.end("FINISHED")

        monkeypatch.setattr(Sender, "_deliver", deliver)
        assert sent(spool, store)["trial"].info.status == "RUNNING"
        found = sent(spool, store)["trial"]
        assert found.info.status == "FINISHED"
        assert found.data.metrics == {"wql": 1.0}
        assert spool.waiting() == []
