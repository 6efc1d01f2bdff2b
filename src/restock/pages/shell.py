"""The shell that every page stands in: one file that opens without a network.

It holds the layout, the styles, the script and the library that draws; a page says what it shows
as sections of tables, plots and lists. Nothing that a table or a series is called can become
markup: Jinja escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from restock.pages.plots import Plot
from restock.pages.tables import Table

ASSETS = Path(__file__).parent / "assets"
CHARTS = "chart-4.6.1.min.js"  # Chart.js as its makers ship it, less the pointer to its sources


@dataclass(frozen=True)
class Items:
    """Sentences, one below the other."""

    template: ClassVar[str] = "items"

    sentences: tuple[str, ...]


Part = Table | Plot | Items


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it.

    Attributes:
        title: It also stands in the page's list of contents.
        parts: In reading order.
        says: What is to be seen here, in a sentence or two.
    """

    title: str
    parts: tuple[Part, ...]
    says: str = ""


@dataclass(frozen=True)
class Page:
    """What a page shows.

    Attributes:
        title: Of the page.
        lead: The answer, before any table.
        facts: Key figures, by what they are.
        sections: The rest.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    facts: Mapping[str, str] = field(default_factory=dict)

    def html(self) -> str:
        """Return the page as one file, whose bytes depend on what it shows alone."""
        has_plots = any(isinstance(p, Plot) for s in self.sections for p in s.parts)
        return _environment().get_template("page.html").render(page=self, has_plots=has_plots)

    def write(self, path: Path) -> None:
        """Write the page to a new file."""
        path.write_text(self.html(), encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = _asset
    environment.globals["charts"] = CHARTS
    return environment


def _asset(name: str) -> Markup:
    """Return a file of ours as it is, to stand inside a page."""
    return Markup((ASSETS / name).read_text(encoding="utf-8"))  # noqa: S704
