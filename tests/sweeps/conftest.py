from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.studies import closing_studies


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close every study that a test opens."""
    with closing_studies():
        yield
