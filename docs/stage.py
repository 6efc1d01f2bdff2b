"""Lay the pages out as the site generator reads them: docs/ and a few pages from beside it.

    python docs/stage.py build/docs

On GitHub a page may link to any file of the project. The site has pages only: a link to one that
is taken from beside docs/ leads to it, a link to any other file outside becomes its text, and a
diagram becomes its picture, since the site must ask no other host for a program that draws it.
In a table GitHub needs a backslash before the bar of `int | None`; the site would show it.
"""

from __future__ import annotations

import re
import shutil
import sys
from os.path import relpath
from pathlib import Path
from urllib.parse import urldefrag

from diagrams import MERMAID, picture_of
from links import CODE, ELSEWHERE, FENCE, LINK

ROOT = Path(__file__).parents[1]
# Pages beside docs/ and where they are on the site; README.md is what index.md says in short.
BESIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
}
PLACES = {**BESIDE, "README.md": "index.md"}


def stage(root: Path, out: Path) -> None:
    """Write all pages and pictures of the site into an empty folder."""
    shutil.rmtree(out, ignore_errors=True)
    docs = root / "docs"
    shutil.copytree(docs, out, ignore=shutil.ignore_patterns("*.py", "__pycache__", "*.md"))
    for path in docs.rglob("*.md"):
        _write(path, out / path.relative_to(docs), root)
    for source, place in BESIDE.items():
        _write(root / source, out / place, root)


def _write(source: Path, place: Path, root: Path) -> None:
    text = source.read_text(encoding="utf-8")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(staged(text, source.relative_to(root), root), encoding="utf-8")


def staged(text: str, source: Path, root: Path) -> str:
    """Return a page as the site has it.

    Args:
        text: As it stands in the project.
        source: Where it stands there.
        root: The project.
    """
    here = Path(place_of(source) or "")

    def linked(found: re.Match[str]) -> str:
        path, anchor = urldefrag(found["to"])
        if ELSEWHERE.match(found["to"]) or not path:
            return found[0]
        place = place_of(Path(relpath(root / source.parent / path, root)))
        if place is None:
            return found["text"]
        target = relpath(place, here.parent) + (f"#{anchor}" if anchor else "")
        return f"[{found['text']}]({target})"

    def prose(part: str) -> str:
        return LINK.sub(linked, CODE.sub(lambda code: code[0].replace(r"\|", "|"), part))

    parts, end = [], 0
    for block in FENCE.finditer(text):
        parts += [prose(text[end : block.start()]), _block(block[0], here, root)]
        end = block.end()
    return "".join([*parts, prose(text[end:])])


def place_of(path: Path) -> str | None:
    """Return where a file of the project is on the site; None: nowhere."""
    if path.as_posix() in PLACES:
        return PLACES[path.as_posix()]
    if path.parts[:1] != ("docs",) or path.suffix == ".py":
        return None
    inside = path.relative_to("docs").as_posix()
    return inside if path.suffix else f"{inside}/index.md".removeprefix("./")


def _block(block: str, here: Path, root: Path) -> str:
    diagram = MERMAID.fullmatch(block)
    if not diagram:
        return block
    picture = picture_of(diagram[1])
    if not (root / "docs" / picture).is_file():
        raise SystemExit(
            f"{here}: a diagram has no picture for the site, docs/{picture}. "
            "`python docs/diagrams.py` draws it (it needs npm and Chromium)."
        )
    return f"![]({relpath(picture, here.parent)})"


if __name__ == "__main__":
    stage(ROOT, Path(sys.argv[1]))
