from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from restock.tuning.optuna.ledger import OptunaLedger


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close every ledger that a test opens."""
    opened: list[OptunaLedger] = []
    original = OptunaLedger.__init__

    def remember(self: OptunaLedger, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        opened.append(self)

    monkeypatch.setattr(OptunaLedger, "__init__", remember)
    yield
    for ledger in opened:
        ledger.close()
