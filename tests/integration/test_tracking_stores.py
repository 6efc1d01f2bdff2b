"""What is promised of runs, versions and champions, over SQLite, PostgreSQL with S3, basic auth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from restock.champions.store import Store as Opened
from restock.champions.store import open_store
from restock.tracking.mlflow.tracker import open_run
from restock.tracking.protocol import Tracker
from support.registry_contract import HistoryContract, RegistryContract
from support.stores import Store
from support.tracking_contract import RunContract, SenderContract, TrackerContract


@pytest.fixture
def tracker(store: Store) -> Iterator[Tracker]:
    with open_run(store.settings, store.root, "train", {"commit": "abc"}) as run:
        yield run


class TestTracker(TrackerContract):
    pass


class TestRuns(RunContract):
    pass


class TestSender(SenderContract):
    pass


@pytest.fixture
def opened(store: Store) -> Opened:
    return open_store(store.settings, store.root)


class TestRegistry(RegistryContract):
    pass


class TestHistory(HistoryContract):
    pass
