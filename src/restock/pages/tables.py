"""Tables of a page: they sort, scroll, and draw a number's size beside it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

MISSING = "\N{EN DASH}"


@dataclass(frozen=True)
class Span:
    """A bar in a cell, from one value to another on the scale of its column.

    Attributes:
        low, high: Its ends.
        dot: A value to mark on it.
    """

    low: float
    high: float
    dot: float | None = None


@dataclass(frozen=True)
class Cell:
    """What stands in one cell.

    Attributes:
        text: As it is read.
        value: What the column is sorted by; None sorts last.
        span: A bar to draw.
        tone: ``good`` or ``bad`` colours it; the text says the same.
    """

    text: str
    value: float | str | None = None
    span: Span | None = None
    tone: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right of its column."""
        return isinstance(self.value, float)


@dataclass(frozen=True)
class Table:
    """Rows below headings.

    Attributes:
        caption: What the table shows.
        headings: One a column.
        rows: As many cells each.
        meanings: What a heading means, where that is not plain.
    """

    template: ClassVar[str] = "table"

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    meanings: Mapping[str, str] = field(default_factory=dict)

    def scale(self, column: int) -> tuple[float, float]:
        """Return where the bars of a column begin and end; zero is always on it."""
        spans = [row[column].span for row in self.rows]
        ends = [end for span in spans if span for end in (span.low, span.high)]
        low, high = min([0.0, *ends]), max([0.0, *ends])
        return low, high if high > low else low + 1.0


def text(value: str) -> Cell:
    """Return a cell that is sorted by its text."""
    return Cell(value, value)


def number(value: float, shown: str, *, bar: bool = False) -> Cell:
    """Return a cell that is sorted by its value; ``shown`` is a format such as ``{:.3f}``."""
    if not math.isfinite(value):
        return Cell(MISSING)
    span = Span(min(value, 0.0), max(value, 0.0)) if bar else None
    return Cell(shown.format(value), float(value), span)


def table(
    frame: pd.DataFrame,
    caption: str,
    *,
    shown: str = "{:.4g}",
    bars: Collection[str] = (),
    meanings: Mapping[str, str] | None = None,
) -> Table:
    """Return the table of a frame, its index left out.

    Args:
        frame: Numbers and texts.
        caption: What it shows.
        shown: Format of the numbers.
        bars: Columns that are drawn as bars, too.
        meanings: What its headings mean.
    """
    headings = tuple(map(str, frame.columns))
    columns = [
        [number(float(v), shown, bar=name in bars) for v in frame[name]]
        if pd.api.types.is_numeric_dtype(frame[name])
        else [text(str(v)) for v in frame[name]]
        for name in frame
    ]
    return Table(caption, headings, tuple(zip(*columns, strict=True)), meanings or {})
