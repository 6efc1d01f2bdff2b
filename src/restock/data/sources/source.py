"""The seam behind which raw tables come from anywhere: read in chunks, written whole or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import IO, Protocol

from restock.data.files import digest_tree, replacing

CHUNK = 4 * 2**20  # bytes that are held at a time


@dataclass(frozen=True)
class Chunk:
    """A piece of a raw file.

    Attributes:
        file: Name of the file in the raw folder. The pieces of one file follow each other.
        content: At most :data:`CHUNK` bytes; none at all where the file is empty.
    """

    file: str
    content: bytes


@dataclass(frozen=True)
class Fetched:
    """What a fetch has brought.

    Attributes:
        state: What the source says of what was read: the same state, the same table.
        digest: sha256 over the names and contents of the raw files.
        size: Of the raw files, in bytes.
    """

    state: dict[str, str]
    digest: str
    size: int


class Source(Protocol):
    """Where a raw table comes from. It repairs nothing, and holds no more than a chunk of it."""

    def chunks(self) -> Iterator[Chunk]:
        """Read the table from its start.

        Raises:
            RestockError: If it cannot be had, or is not what was promised; by the end at the
                latest. What was yielded before is then thrown away by who asked for it.
        """
        ...

    def state(self) -> dict[str, str]:
        """Say what was read, once every chunk was taken; without dates, names of the machine."""
        ...


def fetch(source: Source, folder: Path) -> Fetched:
    """Bring a raw table into a folder, which nothing changes afterwards.

    Raises:
        RestockError: If the source cannot give the whole table; the folder is then as it was.
    """
    with replacing(folder) as aside:
        aside.mkdir()
        for name, pieces in groupby(source.chunks(), key=attrgetter("file")):
            assert Path(name).name == name, "a raw file lies in the raw folder itself"
            with (aside / name).open("xb") as file:
                for piece in pieces:
                    file.write(piece.content)
        size = sum(path.stat().st_size for path in aside.iterdir())
        return Fetched(source.state(), digest_tree(aside), size)


def read_chunks(name: str, file: IO[bytes]) -> Iterator[Chunk]:
    """Read a file from where it stands; an empty one is one chunk of nothing."""
    content = file.read(CHUNK)
    yield Chunk(name, content)
    while content := file.read(CHUNK):
        yield Chunk(name, content)
