from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.studies import closing_ledgers


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close every ledger that a test opens."""
    with closing_ledgers():
        yield
