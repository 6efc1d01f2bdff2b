"""How a training tells of its progress, without knowing who listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, Protocol

from restock.tracking.protocol import Console, Progress, Tracker

Phase = Literal["tuning folds", "training"]
METRICS: dict[Phase, str] = {"tuning folds": "tuning_wql", "training": "loss"}


class Report(Protocol):
    """Who is told how a training goes."""

    def begin(self, phase: Phase, epochs: int) -> None:
        """Hear that a phase begins, which takes so many epochs."""
        ...

    def epoch(self, number: int, value: float) -> None:
        """Hear of an epoch, from 0: the loss on the tuning folds, or the training loss.

        What it raises ends the training.
        """
        ...


class Silent:
    """Hears, and says nothing."""

    def begin(self, phase: Phase, epochs: int) -> None:
        """Ignore that a phase begins."""

    def epoch(self, number: int, value: float) -> None:
        """Ignore an epoch."""


class Told:
    """Logs every epoch to a run, and moves a bar."""

    def __init__(self, console: Console, tracker: Tracker, bars: ExitStack) -> None:
        """Bars are opened on the stack; see :func:`told`."""
        self.console, self.tracker, self.bars = console, tracker, bars
        self.phase: Phase = "training"
        self.bar: Progress | None = None

    def begin(self, phase: Phase, epochs: int) -> None:
        """Open the bar of a phase."""
        self.bars.close()
        self.phase = phase
        self.bar = self.bars.enter_context(self.console.progress(phase, epochs))

    def epoch(self, number: int, value: float) -> None:
        """Log an epoch."""
        metric = METRICS[self.phase]
        self.tracker.log_metrics({metric: value}, step=number)
        assert self.bar is not None
        self.bar.advance(f"{metric.removeprefix('tuning_')} {value:.4f}")


@contextmanager
def told(console: Console, tracker: Tracker) -> Iterator[Told]:
    """Tell a person and a run of a training while the block runs."""
    with ExitStack() as bars:
        yield Told(console, tracker, bars)
