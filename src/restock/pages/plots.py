"""Plots of a page, as data: the page's own script draws them by Chart.js."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from restock.pages.looks import Look
from restock.pages.tables import Table
from restock.types.panel import FloatArray

Values = FloatArray | Sequence[float]
DIGITS = 6  # significant; no screen shows more


@dataclass(frozen=True)
class Line:
    """Values over the labels of a panel.

    Attributes:
        name: In the legend; lines of one name are shown and hidden together.
        values: NaN is a gap.
        look: Colour and dash.
        start: Label of the first value, counted from 0.
        width: In pixels.
    """

    name: str
    values: Values
    look: Look
    start: int = 0
    width: float = 1.6


@dataclass(frozen=True)
class Band:
    """What lies between two lines; see :class:`Line`.

    Attributes:
        opacity: From 0 to 1.
    """

    name: str
    low: Values
    high: Values
    look: Look
    start: int = 0
    opacity: float = 0.2


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    Attributes:
        title: Above it; empty: none.
        labels: Along the x axis. Numbers are placed by value, texts one after the other.
        lines, bands: What is drawn over them.
    """

    title: str
    labels: Sequence[str] | Values
    lines: tuple[Line, ...]
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True)
class Plot:
    """One or several panels with one legend.

    Attributes:
        caption: What they show; it is read aloud, too.
        x, y: What the axes measure.
        panels: In reading order.
        numbers: The same as a table, for who cannot see it or wants to copy.
        is_square: Both axes run from 0 to 1, with the diagonal drawn.
    """

    template: ClassVar[str] = "plot"

    caption: str
    x: str
    y: str
    panels: tuple[Panel, ...]
    numbers: Table
    is_square: bool = False

    @property
    def legend(self) -> list[Line | Band]:
        """What is told apart: the first of each name."""
        first: dict[str, Line | Band] = {}
        for panel in self.panels:
            parts: tuple[Line | Band, ...] = (*panel.lines, *panel.bands)
            for part in parts:
                first.setdefault(part.name, part)
        return list(first.values())

    def drawn(self, panel: Panel) -> dict[str, Any]:
        """Return what the script needs to draw a panel."""
        return {
            "x": self.x,
            "y": self.y,
            "square": self.is_square,
            "labels": _plain(panel.labels),
            "lines": [
                {"values": _plain(line.values), "width": line.width, **_common(line)}
                for line in panel.lines
            ],
            "bands": [
                {
                    "low": _plain(band.low),
                    "high": _plain(band.high),
                    "opacity": band.opacity,
                    **_common(band),
                }
                for band in panel.bands
            ],
        }


def _common(part: Line | Band) -> dict[str, Any]:
    look = {"color": part.look.color, "dash": list(part.look.dash)}
    return {"name": part.name, "start": part.start, **look}


def _plain(values: Sequence[str] | Values) -> list[str | float | None]:
    return [value if isinstance(value, str) else _short(float(value)) for value in values]


def _short(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
