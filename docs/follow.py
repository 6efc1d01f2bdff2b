"""Follow a page word by word: write its files, type its commands, and compare what they print.

    python docs/follow.py docs/first-hour.md FOLDER

FOLDER is a fresh clone. A page's files are written and its commands typed in the order of the page,
in one shell. What is printed is the transcript. A `!` marks an answer that is not the page's.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from consoles import BLOCK, FILE, agrees, prompts

END = "--- end of the answer:"


class Shell:
    """A shell that is typed into; it keeps its folder and its variables."""

    def __init__(self, folder: Path) -> None:
        """Start it in a folder."""
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def answer(self, typed: str) -> str:
        """Type a line; return what is printed until it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f'{{ {typed}\n}} < /dev/null; echo "\n{END}"\n')
        self._process.stdin.flush()
        rows = []
        for row in self._process.stdout:
            if row.startswith(END):
                break
            rows.append(row)
        return "".join(rows).rstrip("\n")


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a page says to do, in its order: a file and its text, or a line and its answer.

    A file is told from a line by its name: it is no line that begins with a prompt.
    """
    found = [(m.start(), m) for pattern in (FILE, BLOCK) for m in pattern.finditer(text)]
    for _, match in sorted(found, key=lambda pair: pair[0]):
        if match.re is FILE:
            yield match[1], match[2]
        else:
            for _, typed, shown in prompts(match[1]):
                yield f"$ {typed}", shown


def follow(page: Path, folder: Path) -> int:
    """Do what a page says; return how many answers differ from it."""
    shell, wrong = Shell(folder), 0
    for step, text in steps(page.read_text(encoding="utf-8")):
        if not step.startswith("$ "):
            place = folder / step
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"# {step}\n{text}", encoding="utf-8")
            print(f"(written: {step})")  # noqa: T201
            continue
        print(step, flush=True)  # noqa: T201
        said = shell.answer(step.removeprefix("$ "))
        agreed = not text.strip() or agrees(text, said)
        wrong += not agreed
        print(said if agreed else f"{said}\n! the page shows:\n{text}", flush=True)  # noqa: T201
    return wrong


if __name__ == "__main__":
    sys.exit(bool(follow(Path(sys.argv[1]), Path(sys.argv[2]))))
