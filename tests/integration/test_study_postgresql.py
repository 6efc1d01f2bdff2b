"""A study in PostgreSQL keeps what it promises in SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.queue_contract import LedgerContract
from support.services import postgres_database
from support.studies import closing_ledgers


@pytest.fixture
def url() -> Iterator[str]:
    with postgres_database() as made, closing_ledgers():
        yield made


class TestLedger(LedgerContract):
    """In PostgreSQL."""
