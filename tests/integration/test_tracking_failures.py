"""A tracking server that is killed while a run is logged."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from restock.settings.tracking import TrackingSettings
from restock.tracking.mlflow.sender import Sender, drain, sending
from restock.tracking.spool import Spool, SpoolRun, SpoolTop
from support.mlflow_server import Server

SETTINGS = TrackingSettings(model_name="m")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    made.start()
    yield made
    made.kill()


def epochs(run: SpoolRun, first: int, count: int) -> list[float]:
    """Log as training does; return how long each epoch took beside its own 20 ms."""
    took = []
    for step in range(first, first + count):
        started = time.perf_counter()
        time.sleep(0.02)
        run.log_metrics({"loss": 1.0 / (step + 1), "wql": 0.5}, step=step)
        took.append(time.perf_counter() - started)
    return took


def test_7_a_killed_server_neither_slows_training_nor_loses_a_metric(
    server: Server, spool: Spool, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"uri": server.uri})
    said: list[str] = []
    with (
        sending(Sender(spool, settings, tmp_path), said.append),
        SpoolTop(spool, {}).child("train") as run,
    ):
        before = epochs(run, 0, 150)
        server.kill()
        during = epochs(run, 150, 250)
        server.start()
        epochs(run, 400, 100)
    client = MlflowClient(server.uri)
    (found,) = client.search_runs([client.get_experiment_by_name("restock").experiment_id])
    for name in ("loss", "wql"):
        history = client.get_metric_history(found.info.run_id, name)
        assert [metric.step for metric in history] == list(range(500))
    assert found.info.status == "FINISHED"
    assert spool.waiting() == []
    assert any("the tracking server is gone" in line for line in said)
    # The bar is 5 %; here the typical epoch, to bear with a busy machine.
    assert statistics.median(during) < 1.05 * statistics.median(before)


def test_7_what_a_dead_server_missed_is_sent_later(
    server: Server, spool: Spool, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"uri": server.uri})
    said: list[str] = []
    server.kill()
    with SpoolTop(spool, {}).child("train") as run:
        epochs(run, 0, 20)
    assert drain(Sender(spool, settings, tmp_path), said.append, patience=1.0) == 1
    assert "1 run(s) wait on disk" in said[0]
    assert "restock sync" in said[0]
    server.start()
    assert drain(Sender(spool, settings, tmp_path), said.append, patience=1.0) == 0
    client = MlflowClient(server.uri)
    (found,) = client.search_runs([client.get_experiment_by_name("restock").experiment_id])
    assert len(client.get_metric_history(found.info.run_id, "loss")) == 20
