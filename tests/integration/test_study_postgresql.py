"""A study in PostgreSQL keeps what it promises in SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.queue_contract import QueueContract
from support.services import postgres_database
from support.studies import closing_studies


@pytest.fixture
def url() -> Iterator[str]:
    with postgres_database() as made, closing_studies():
        yield made


class TestQueue(QueueContract):
    """In PostgreSQL."""
