"""Live displays on a terminal: a progress bar, and the table of a sweep."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from restock.tracking.protocol import SweepProgress

BARS = "▁▂▃▄▅▆▇█"


class Bar:
    """A bar on the screen."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        """Keep which of the bars it moves."""
        self.bars, self.task = bars, task

    def advance(self, text: str = "", by: int = 1) -> None:
        """Count units of work; ``text`` is shown after the bar."""
        self.bars.update(self.task, advance=by, text=text)


@contextmanager
def bar(console: Console, label: str, total: int) -> Iterator[Bar]:
    """Show a bar for ``total`` units of work."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console) as bars:
        yield Bar(bars, bars.add_task(label, total=total, text=""))


@contextmanager
def live_sweep(console: Console) -> Iterator[Callable[[SweepProgress], None]]:
    """Show a sweep while it runs; yield the function that redraws it."""
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        yield lambda sweep: live.update(sweep_panel(sweep))


def sweep_panel(sweep: SweepProgress) -> Panel:
    """Draw the state of a sweep: progress, best trial, and each running trial with its curve."""
    done = sum(sweep.states.values())
    counts = ", ".join(f"{n} {state}" for state, n in sorted(sweep.states.items())) or "none ended"
    best = f"trial {sweep.best[0]}: loss {sweep.best[1]:.4f}" if sweep.best else "-"
    left = "-" if sweep.seconds_left is None else f"{timedelta(seconds=int(sweep.seconds_left))}"
    head = Table.grid(padding=(0, 2))
    head.add_row("trials", f"{done}/{sweep.total} ({counts})")
    head.add_row("best", best)
    head.add_row("left", left)
    head.add_row("", ProgressBar(total=sweep.total, completed=done, width=50))
    table = Table(box=None, padding=(0, 2))
    for name in ("trial", "steps", "loss", "curve", "time", "worker"):
        table.add_column(name, justify="right" if name in ("trial", "steps", "loss") else "left")
    for trial in sweep.running:
        last = f"{trial.curve[-1]:.4f}" if trial.curve else "-"
        took = f"{timedelta(seconds=int(trial.seconds))}"
        curve = sparkline(trial.curve)
        row = (str(trial.slot), f"{trial.share:.0%}", last, curve, took, trial.worker)
        table.add_row(*row)
    failures = [f"trial {slot}: {text}" for slot, state, text in sweep.ended if state == "failed"]
    parts: list[Any] = [head, table, *(Text(text, style="red") for text in failures[-3:])]
    return Panel(Group(*parts), title=f"sweep {sweep.name}", title_align="left")


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """Draw the last values as bars from the lowest to the highest value."""
    shown = [value for value in values[-width:] if math.isfinite(value)]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] for value in shown)
