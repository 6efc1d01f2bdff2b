"""What a person sees: notes, progress bars and tables. The only module that prints."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from restock.tracking.protocol import Parts, Rows, SweepView

if TYPE_CHECKING:
    import pandas as pd

BARS = "▁▂▃▄▅▆▇█"
PLAIN_EVERY = 5.0  # seconds between plain progress lines where there is no terminal
LONG = 100  # rows


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

    @contextmanager
    def sweep(self) -> Iterator[Callable[[SweepView], None]]:
        """Show a sweep: a live table on a terminal, else a line for each trial that has ended."""
        if not self.rich.is_terminal or os.environ.get("CI"):
            yield _PlainSweep(self)
            return
        with Live(console=self.rich, refresh_per_second=4, transient=False) as live:
            yield lambda view: live.update(sweep_panel(view))

    def parts(self, parts: Parts) -> None:
        """Print titled tables and lines."""
        for title, content in parts:
            if isinstance(content, str):
                self.rich.print(f"[bold]{title}:[/bold] ", end="")
                self.rich.print(content, markup=False, soft_wrap=True)
                continue
            lines = _lines(content)
            if len(content) > LONG:  # drawing a box around each row takes longer than reading it
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

    def __call__(self, view: SweepView) -> None:
        best = f"best {view.best[1]:.4f}" if view.best else "none complete"
        for slot, state, text in view.ended[self.said :]:
            self.said += 1
            self.console.note(f"{self.said}/{view.total} trial {slot} {state} {text} ({best})")


def sweep_panel(view: SweepView) -> Panel:
    """Draw how a sweep stands: progress, best, and each running trial with its curve so far."""
    done = sum(view.states.values())
    counts = ", ".join(f"{n} {state}" for state, n in sorted(view.states.items())) or "none ended"
    best = f"trial {view.best[0]}: wql {view.best[1]:.4f}" if view.best else "-"
    left = "-" if view.seconds_left is None else f"{timedelta(seconds=int(view.seconds_left))}"
    head = Table.grid(padding=(0, 2))
    head.add_row("trials", f"{done}/{view.total} ({counts})")
    head.add_row("best", best)
    head.add_row("left", left)
    head.add_row("", ProgressBar(total=view.total, completed=done, width=50))
    table = Table(box=None, padding=(0, 2))
    for name in ("trial", "epoch", "wql", "curve", "time", "worker"):
        table.add_column(name, justify="right" if name in ("trial", "epoch", "wql") else "left")
    for trial in view.running:
        last = f"{trial.curve[-1]:.4f}" if trial.curve else "-"
        took = f"{timedelta(seconds=int(trial.seconds))}"
        curve = sparkline(trial.curve)
        row = (str(trial.slot), str(len(trial.curve)), last, curve, took, trial.worker)
        table.add_row(*row)
    failures = [f"trial {slot}: {text}" for slot, state, text in view.ended if state == "failed"]
    parts: list[Any] = [head, table, *(Text(text, style="red") for text in failures[-3:])]
    return Panel(Group(*parts), title=f"sweep {view.name}", title_align="left")


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """Draw the last values as bars, the highest full."""
    shown = [value for value in values[-width:] if math.isfinite(value)]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] for value in shown)


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


def say(message: str, *, error: bool = False) -> None:
    """Print a line before anything heavy is imported."""
    sys.stdout.flush()
    print(message, file=sys.stderr if error else sys.stdout)
