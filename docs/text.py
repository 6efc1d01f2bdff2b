"""Small pieces of Markdown that generated pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from inspect import cleandoc
from textwrap import dedent

ROLE = re.compile(r":\w+:`~?([^`]+)`")
SIGNS = re.compile(r"[^\w\- ]")
BLOCK = re.compile(r"^::\n\n((?: {4}.*\n?|\n)+)", re.MULTILINE)
BACKTICKS = re.compile(r"(`+)(.+?)\1")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    marked = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in marked]


def fenced(kind: str, lines: Iterable[str]) -> list[str]:
    """Return the lines of a block of code."""
    return [f"```{kind}", *lines, "```"]


def page(title: str, written_from: str, lines: Iterable[str]) -> str:
    """Return a page, with its source named where an editor of the file sees it."""
    origin = f"<!-- `make docs` writes this page from {written_from}. -->"
    return "\n".join([f"# {title}", "", origin, "", *lines]) + "\n"


def prose(docstring: str) -> str:
    """Return what a docstring says as Markdown: roles, double backticks and blocks as code."""
    text = ROLE.sub(r"`\1`", cleandoc(docstring))
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    return BLOCK.sub(lambda block: _verbatim(block[1]), text).strip()


def _verbatim(block: str) -> str:
    return "\n".join([*fenced("text", [dedent(block).strip("\n")]), ""])


def sentence(text: str) -> str:
    """Return a phrase as a sentence, in one line."""
    line = " ".join(prose(text).split())
    return line[:1].upper() + line[1:] + ("" if line[-1:] in ".:?!" else ".")


def slug(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading, and the site after it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    plain = BACKTICKS.sub(r"\2", plain)
    return SIGNS.sub("", plain.strip().lower()).replace(" ", "-")
