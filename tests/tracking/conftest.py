"""A tracking store of a test's own: a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from restock.config import TrackingSettings
from support.stores import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store("sqlite", TrackingSettings(model_name="m"), tmp_path)
