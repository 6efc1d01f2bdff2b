"""A tracking store of a test's own: a file whose tables are there already.

MLflow takes seconds to make them in a fresh one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from restock.settings.tracking import TrackingSettings
from support.stores import Store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of MLflow's tables and none of our runs. Copy it before anything is written to it."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def root(tmp_path: Path, empty_store: Path) -> Path:
    """A project's folder, with a store of its own."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def store(root: Path) -> Store:
    return Store("sqlite", TrackingSettings(model_name="m"), root)
