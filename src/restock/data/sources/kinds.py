"""The kinds of source, by the names that settings give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from restock.data.sources.file import TableFiles
from restock.data.sources.pypi import WheelTable
from restock.data.sources.source import Source
from restock.settings.source import FileSource, PypiSource

# By the kind in the settings; a test checks that every kind has a class here.
SOURCES: dict[str, Callable[[Any], Source]] = {"file": TableFiles, "pypi": WheelTable}


def open_source(settings: FileSource | PypiSource) -> Source:
    """Return the source that the settings describe; nothing is read yet."""
    return SOURCES[settings.kind](settings)
