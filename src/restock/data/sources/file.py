"""Tables in local files: one file, or a folder of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from restock.data.sources.source import Chunk, read_chunks
from restock.data.tables.find import find_tables
from restock.settings.source import FileSource


class TableFiles:
    """The table files at a path, as a :class:`Source`."""

    def __init__(self, settings: FileSource) -> None:
        """Keep the path."""
        self.path = Path(settings.path)
        self._state: dict[str, str] = {}
        self._note = ""

    def chunks(self) -> Iterator[Chunk]:
        """Read the files one by one, in the order of their names."""
        found = find_tables(self.path)
        self._note = found.note
        for table in found.tables:
            seen = hashlib.sha256()
            with table.path.open("rb") as file:
                for chunk in read_chunks(table.name, file):
                    seen.update(chunk.content)
                    yield chunk
            self._state[table.name] = seen.hexdigest()

    def state(self) -> dict[str, str]:
        """Return the sha256 of each file, by name."""
        return dict(self._state)

    def notes(self) -> tuple[str, ...]:
        """Say which files of the folder are no tables."""
        return (self._note,) if self._note else ()
