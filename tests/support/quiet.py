"""A console nobody watches, which remembers what it was told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class QuietConsole:
    """Keeps notes in a list."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def named(self, name: str) -> QuietConsole:
        return self

    def note(self, message: str) -> None:
        self.notes.append(message)

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[QuietConsole]:
        yield self

    @contextmanager
    def sweep(self) -> Iterator[object]:
        yield lambda view: None

    def advance(self, text: str = "", by: int = 1) -> None:
        pass
