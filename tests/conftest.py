"""One profile for all property tests, and no tracking store inherited from who runs the tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from support.typed import INHERITED

for name in ("queue", "registry", "tracking"):
    pytest.register_assert_rewrite(f"support.{name}_contract")

# Tests and the processes that they start share the cores: threads that wait for one would spin.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# How long an example takes says nothing about a property.
settings.register_profile("restock", deadline=None, derandomize=True)
settings.load_profile("restock")


@pytest.fixture(autouse=True)
def no_inherited_store(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in INHERITED:
        monkeypatch.delenv(name, raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that both cores are busy to the end."""
    items.sort(key=lambda item: "integration" not in item.path.parts)
