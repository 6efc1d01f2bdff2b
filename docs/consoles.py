"""What the documentation shows at a prompt: each line that is typed, and what it answers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import links

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```(?:yaml|python)\n# (\S+\.(?:yaml|py))\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNED = re.compile(r"\w+=")
LEFT_OUT = ("...", "…")


@dataclass(frozen=True)
class Line:
    """A line of a ``console`` block.

    Attributes:
        page: Where it stands, below the project.
        number: Of its first line there.
        words: What is typed, without the comment and what is left out.
        shown: What the page shows beneath it, until the next prompt.
    """

    page: str
    number: int
    words: tuple[str, ...]
    shown: str

    def __str__(self) -> str:
        """Name it in a test's id."""
        return f"{self.page}:{self.number} {shlex.join(self.words)}"

    @property
    def fails(self) -> bool:
        """Whether the page shows it as a mistake."""
        return ": error: " in self.shown


@cache
def lines() -> tuple[Line, ...]:
    """Return every line that a page of the project shows at a prompt."""
    return tuple(line for path in links.sources(ROOT) for line in read(path))


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of one page: `a && b` is two."""
    text = path.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        for offset, typed, shown in prompts(block[1]):
            for part in typed.split("&&"):
                words = [w for w in shlex.split(part, comments=True) if w not in LEFT_OUT]
                while words and ASSIGNED.match(words[0]):  # VARIABLE=value before a program
                    words = words[1:]
                if words:
                    page = path.relative_to(ROOT).as_posix()
                    yield Line(page, first + offset, tuple(words), shown)


def prompts(block: str) -> Iterator[tuple[int, str, str]]:
    r"""Yield where each prompt is, what is typed there (``\`` goes on), and what is shown."""
    rows = block.splitlines()
    starts = [i for i, row in enumerate(rows) if row.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        last = start
        while rows[last].endswith("\\"):
            last += 1
        typed = " ".join(row.rstrip("\\") for row in rows[start : last + 1]).removeprefix("$ ")
        yield start, typed, "\n".join(rows[last + 1 : end])


def of(program: str) -> list[Line]:
    """Return the lines that run a program."""
    return [line for line in lines() if line.words[0] == program]


def files(page: str) -> dict[str, str]:
    """Return the files that a page says to write, by their path."""
    return dict(FILE.findall((ROOT / page).read_text(encoding="utf-8")))


def agrees(shown: str, said: str) -> bool:
    """Tell whether a program says what a page shows; `...` there stands for anything."""
    wanted = "\n".join(row.rstrip() for row in shown.strip().splitlines())
    pattern = re.escape(wanted).replace(re.escape("..."), "…").replace("…", "(?:.|\n)*")
    found = "\n".join(row.rstrip() for row in said.strip().splitlines())
    return re.fullmatch(pattern, found) is not None
