"""Tables in local files: one file, or a folder of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from restock.data.sources.source import Chunk, read_chunks
from restock.data.table_files import table_files
from restock.settings.source import FileSource


class TableFiles:
    """The table files at a path, as a :class:`Source`."""

    def __init__(self, settings: FileSource) -> None:
        """Keep the path."""
        self.path = Path(settings.path)
        self._state: dict[str, str] = {}

    def chunks(self) -> Iterator[Chunk]:
        """Read the files one by one, in the order of their names."""
        for path in table_files(self.path):
            seen = hashlib.sha256()
            with path.open("rb") as file:
                for chunk in read_chunks(path.name, file):
                    seen.update(chunk.content)
                    yield chunk
            self._state[path.name] = seen.hexdigest()

    def state(self) -> dict[str, str]:
        """Return the sha256 of each file, by name."""
        return dict(self._state)
