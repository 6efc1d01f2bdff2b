"""Sources of raw tables: the protocol, and how a table is fetched.

A table is read in chunks. Its files are written completely or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import IO, Protocol

from restock.data.files import digest_tree, replacing

CHUNK = 4 * 2**20  # bytes in memory at a time


@dataclass(frozen=True)
class Chunk:
    """A piece of a raw file.

    Attributes:
        file: Path of the file in the raw folder. All pieces of a file come one after the other.
        content: At most :data:`CHUNK` bytes; no bytes if the file is empty.
    """

    file: str
    content: bytes


@dataclass(frozen=True)
class Fetched:
    """The result of a fetch.

    Attributes:
        state: What the source says about what it read. The same state means the same table.
        digest: sha256 over the names and contents of the raw files.
        size: Size of the raw files, in bytes.
        notes: What was there and not read.
    """

    state: dict[str, str]
    digest: str
    size: int
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Where a raw table comes from. It changes nothing, and has only one chunk in memory."""

    def chunks(self) -> Iterator[Chunk]:
        """Read the table from its start.

        Raises:
            RestockError: If the table cannot be read or is not the expected one, at the end at the
                latest. The caller then discards the chunks that it already has.
        """
        ...

    def state(self) -> dict[str, str]:
        """Say what was read, after the last chunk; without dates or names of machines."""
        ...

    def notes(self) -> tuple[str, ...]:
        """Say what was there and not read, after the last chunk, in sentences."""
        ...


def fetch(source: Source, folder: Path) -> Fetched:
    """Copy a raw table into a folder. Nothing else writes to that folder.

    Raises:
        RestockError: If the source cannot give the whole table. The folder is then unchanged.
    """
    with replacing(folder) as aside:
        aside.mkdir()
        for name, pieces in groupby(source.chunks(), key=attrgetter("file")):
            target = aside / name
            assert target.resolve().is_relative_to(aside.resolve()), "it lies in the raw folder"
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                for piece in pieces:
                    file.write(piece.content)
        size = sum(path.stat().st_size for path in aside.rglob("*") if path.is_file())
        return Fetched(source.state(), digest_tree(aside), size, source.notes())


def read_chunks(name: str, file: IO[bytes]) -> Iterator[Chunk]:
    """Read a file from its current position in chunks; an empty file gives one empty chunk."""
    content = file.read(CHUNK)
    yield Chunk(name, content)
    while content := file.read(CHUNK):
        yield Chunk(name, content)
