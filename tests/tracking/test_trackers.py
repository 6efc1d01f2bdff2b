"""One contract, every tracker; and what only a file as a store can get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from mlflow import MlflowClient

from restock.settings.tracking import TrackingSettings
from restock.tracking.memory import MemoryTracker, NullTracker
from restock.tracking.mlflow.tracker import open_run
from restock.tracking.protocol import Tracker
from support.stores import Store
from support.tracking_contract import RunContract, TrackerContract, runs

SETTINGS = TrackingSettings(model_name="m")


@pytest.fixture(params=["null", "memory", "mlflow"])
def tracker(request: pytest.FixtureRequest, root: Path) -> Iterator[Tracker]:
    if request.param == "mlflow":
        with open_run(SETTINGS, root, "train", {"commit": "abc"}) as run:
            yield run
    else:
        yield NullTracker() if request.param == "null" else MemoryTracker()


class TestTrackers(TrackerContract):
    pass


class TestRuns(RunContract):
    pass


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
    assert set(runs(Store("sqlite", SETTINGS, root))) == {"train", "tune"}
