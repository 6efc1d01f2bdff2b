"""What runs are promised, over each store: SQLite, PostgreSQL with S3, basic auth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from restock.tracking.mlflow.tracker import open_run
from restock.types.tracking import Tracker
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
