"""Print notes, progress and tables. Only this module and live.py print them."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.table import Table

from restock.tracking.protocol import Parts, Progress, Rows, SweepProgress

if TYPE_CHECKING:
    import pandas as pd

PLAIN_EVERY = 5.0  # seconds between plain progress lines without a terminal
LONG = 100  # rows


class TerminalConsole:
    """Shows progress bars on a terminal, and plain lines elsewhere."""

    def __init__(self, prefix: str) -> None:
        """``prefix`` is the name of the command, which starts each note."""
        # Width 110 without a terminal, so that logs do not wrap at 80.
        self.rich = RichConsole(highlight=False, width=None if sys.stdout.isatty() else 110)
        self.prefix = prefix

    def named(self, name: str) -> TerminalConsole:
        """Return the same terminal with another name at the start of notes."""
        return TerminalConsole(name)

    def note(self, message: str) -> None:
        """Print one message."""
        self.rich.print(f"{self.prefix}: {message}", markup=False, soft_wrap=True)

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[Progress]:
        """Show a bar for ``total`` units of work."""
        label = f"{self.prefix}: {description}"
        if not self.rich.is_terminal:
            yield _PlainBar(self.rich, label, total)
            return
        from restock.cli.live import bar

        with bar(self.rich, label, total) as live:
            yield live

    @contextmanager
    def sweep(self) -> Iterator[Callable[[SweepProgress], None]]:
        """Show a sweep: a live table on a terminal, else one line for each trial that has ended."""
        if not self.rich.is_terminal or os.environ.get("CI"):
            yield _PlainSweep(self)
            return
        from restock.cli.live import live_sweep

        with live_sweep(self.rich) as show:
            yield show

    def parts(self, parts: Parts) -> None:
        """Print titled tables and lines."""
        for title, content in parts:
            if isinstance(content, str):
                self.rich.print(f"[bold]{title}:[/bold] ", end="")
                self.rich.print(content, markup=False, soft_wrap=True)
                continue
            lines = _lines(content)
            if len(content) > LONG:  # for many rows, drawing a boxed table is slow
                self.rich.print(title, style="bold")
                self.rich.file.write(_plain_table(lines))
                continue
            table = Table(title=title, title_justify="left")
            for place, name in enumerate(lines[0]):
                table.add_column(name, justify="right" if place else "left")
            for line in lines[1:]:
                table.add_row(*line)
            self.rich.print(table)


class _PlainSweep:
    def __init__(self, console: TerminalConsole) -> None:
        self.console, self.said = console, 0

    def __call__(self, sweep: SweepProgress) -> None:
        best = f"best {sweep.best[1]:.4f}" if sweep.best else "none complete"
        for slot, state, text in sweep.ended[self.said :]:
            self.said += 1
            self.console.note(f"{self.said}/{sweep.total} trial {slot} {state} {text} ({best})")


class _PlainBar:
    def __init__(self, rich: RichConsole, label: str, total: int) -> None:
        self.rich, self.label, self.total = rich, label, total
        self.done, self.said_at = 0, time.monotonic()

    def advance(self, text: str = "", by: int = 1) -> None:
        self.done += by
        now = time.monotonic()
        if self.done == self.total or now - self.said_at > PLAIN_EVERY:
            self.said_at = now
            line = f"{self.label} {self.done}/{self.total} {text}"
            self.rich.print(line, markup=False, soft_wrap=True)


def _lines(table: pd.DataFrame | Rows) -> list[list[str]]:
    """Return the head and the rows of a table as text."""
    if isinstance(table, list):
        names, rows = list(table[0]), [list(row.values()) for row in table]
    else:
        names, rows = [str(name) for name in table.columns], table.to_numpy(object).tolist()
    return [names, *([_cell(value) for value in row] for row in rows)]


def _plain_table(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        " ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + "\n"
        for line in lines
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4f}"
    return str(value)
