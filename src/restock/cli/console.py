"""What a person sees: notes, progress bars and tables. The only module that prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
from rich.console import Console as RichConsole
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Table

PLAIN_EVERY = 5.0  # seconds between plain progress lines where there is no terminal


class TerminalConsole:
    """Bars on a terminal, plain lines elsewhere."""

    def __init__(self, prefix: str) -> None:
        """``prefix`` names the command in front of each note."""
        # Width 100 off a terminal, so that logs do not wrap at 80.
        self.rich = RichConsole(highlight=False, width=None if sys.stdout.isatty() else 110)
        self.prefix = prefix

    def note(self, message: str) -> None:
        """Say one thing."""
        self.rich.print(f"{self.prefix}: {message}", markup=False, soft_wrap=True)

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[_Bar]:
        """Show a bar for ``total`` units of work."""
        label = f"{self.prefix}: {description}"
        if not self.rich.is_terminal:
            yield _PlainBar(self.rich, label, total)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
        )
        with RichProgress(*columns, console=self.rich) as bars:
            yield _RichBar(bars, bars.add_task(label, total=total, text=""))

    def parts(self, parts: list[tuple[str, pd.DataFrame | str]]) -> None:
        """Print titled tables and lines."""
        for title, content in parts:
            if isinstance(content, str):
                self.rich.print(f"[bold]{title}:[/bold] ", end="")
                self.rich.print(content, markup=False, soft_wrap=True)
                continue
            table = Table(title=title, title_justify="left")
            for place, name in enumerate(content.columns):
                table.add_column(str(name), justify="right" if place else "left")
            for row in content.itertuples(index=False):
                table.add_row(*(_cell(value) for value in row))
            self.rich.print(table)


class _Bar:
    def advance(self, text: str = "") -> None:
        raise NotImplementedError


class _RichBar(_Bar):
    def __init__(self, bars: RichProgress, task: object) -> None:
        self.bars, self.task = bars, task

    def advance(self, text: str = "") -> None:
        self.bars.update(self.task, advance=1, text=text)  # type: ignore[arg-type]


class _PlainBar(_Bar):
    def __init__(self, rich: RichConsole, label: str, total: int) -> None:
        self.rich, self.label, self.total = rich, label, total
        self.done, self.said_at = 0, time.monotonic()

    def advance(self, text: str = "") -> None:
        self.done += 1
        now = time.monotonic()
        if self.done == self.total or now - self.said_at > PLAIN_EVERY:
            self.said_at = now
            line = f"{self.label} {self.done}/{self.total} {text}"
            self.rich.print(line, markup=False, soft_wrap=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if pd.isna(value) else f"{value:.4f}"
    return str(value)


def say(message: str, *, error: bool = False) -> None:
    """Print a line before anything heavy is imported."""
    sys.stdout.flush()
    print(message, file=sys.stderr if error else sys.stdout)
