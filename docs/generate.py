"""Write the pages of docs/ that are generated, or check that they are what they would be.

    python docs/generate.py            # write them, and remove those of nothing that is there
    python docs/generate.py --check    # write nothing; name each page that differs

A page of a command, of a group of settings or of a module of the library: nobody edits them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import griffe

import command_pages
from reference_pages import ReferencePages
from setting_pages import SettingPages

DOCS = Path(__file__).parent
FOLDERS = ("commands", "settings", "reference")  # whatever lies in them is generated


def pages() -> dict[str, str]:
    """Return every generated page by its path in docs/."""
    package = griffe.load("restock", search_paths=[str(DOCS.parent / "src")])
    assert isinstance(package, griffe.Module)
    settings, library = SettingPages(package).pages(), ReferencePages(package).pages()
    return command_pages.pages() | settings | library


def differences(expected: dict[str, str], docs: Path) -> dict[str, str]:
    """Say of each page that is not as expected what is wrong with it."""
    found = {
        path.relative_to(docs).as_posix(): path.read_text(encoding="utf-8")
        for folder in FOLDERS
        for path in (docs / folder).rglob("*")
        if path.is_file()
    }
    wrong = {path: "is missing" for path in expected.keys() - found.keys()}
    wrong |= {path: "belongs to nothing that is there" for path in found.keys() - expected.keys()}
    both = expected.keys() & found.keys()
    wrong |= {path: "differs" for path in both if expected[path] != found[path]}
    return dict(sorted(wrong.items()))


def write(expected: dict[str, str], docs: Path) -> None:
    """Make the generated folders hold these pages and nothing else."""
    for path in differences(expected, docs):
        place = docs / path
        if path in expected:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(expected[path], encoding="utf-8")
        else:
            place.unlink()


def main() -> int:
    """Write or check; return 1 if a check finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing, name what differs")
    expected = pages()
    if not parser.parse_args().check:
        write(expected, DOCS)
        return 0
    wrong = differences(expected, DOCS)
    sys.stderr.writelines(f"docs/{path} {what}.\n" for path, what in wrong.items())
    if wrong:
        sys.stderr.write("Run `python docs/generate.py` (or `make docs`) and commit the result.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
