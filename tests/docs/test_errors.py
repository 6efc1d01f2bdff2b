"""docs/errors.md has a section for every error that a person can act on, with its exit code."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from restock.errors import RestockError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/errors.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n+(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def classes() -> Iterator[tuple[str, str, set[str]]]:
    """Every class of the package: its module, its name and what it is derived from."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                yield module, node.name, {ast.unparse(base).split(".")[-1] for base in node.bases}


def errors() -> dict[str, type[RestockError]]:
    """RestockError and all classes below it, whichever module they stand in."""
    every, found = list(classes()), {"RestockError": "restock.errors"}
    while fresh := {n: m for m, n, bases in every if n not in found and bases & set(found)}:
        found |= fresh
    return {name: getattr(importlib.import_module(module), name) for name, module in found.items()}


ERRORS = errors()


def test_the_walk_finds_what_is_derived_directly_and_at_second_hand() -> None:
    assert {"DataError", "SweepMismatchError", "Interrupted", "MissingError"} <= set(ERRORS)
    assert all(issubclass(found, RestockError) for found in ERRORS.values())


def test_every_error_has_a_section_and_every_section_an_error() -> None:
    assert set(SECTIONS) == set(ERRORS)


@pytest.mark.parametrize("name", ERRORS)
def test_a_section_says_the_exit_code_and_what_to_do(name: str) -> None:
    said = re.match(r"Exit code (\d+)", SECTIONS[name])
    assert said is not None
    assert int(said[1]) == ERRORS[name]("what happened").exit_code
    assert "* **What to do:** " in SECTIONS[name]
