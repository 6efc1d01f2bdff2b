"""Versions, the champion and its moves, on a SQLite file; other stores: tests/integration."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from restock.champions.store import Store, open_store
from restock.settings.tracking import TrackingSettings
from support.registry_contract import HistoryContract, RegistryContract


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture
def opened(root: Path) -> Store:
    """A registered model of the test's own."""
    name = f"own-{uuid.uuid4().hex[:8]}"
    return open_store(TrackingSettings(model_name=name), root)


class TestRegistry(RegistryContract):
    pass


class TestHistory(HistoryContract):
    pass
