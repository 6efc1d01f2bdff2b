"""How a training reports its progress. It does not know who gets the report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, Protocol

from restock.tracking.protocol import Console, Progress, Tracker

Phase = Literal["tuning folds", "training"]
METRICS: dict[Phase, str] = {"tuning folds": "tuning_wql", "training": "loss"}


class Report(Protocol):
    """Gets the progress of a training: a progress bar, a log, a reason to stop."""

    def begin(self, phase: Phase, epochs: int) -> None:
        """Is called when a phase begins, with its number of epochs."""
        ...

    def epoch(self, number: int, value: float) -> None:
        """Is called after an epoch, numbered from 0. An error raised here ends the training.

        ``value`` is the loss on the tuning folds, or the training loss in the phase "training".
        """
        ...


class Silent:
    """A report that does nothing."""

    def begin(self, phase: Phase, epochs: int) -> None:
        """Do nothing."""

    def epoch(self, number: int, value: float) -> None:
        """Do nothing."""


class Told:
    """A report that logs every epoch to a run and moves a progress bar."""

    def __init__(self, console: Console, tracker: Tracker, bars: ExitStack) -> None:
        """Keep the stack that closes the bars; see :func:`told`."""
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
    """Yield a report to the console and to a run, and close its bars at the end."""
    with ExitStack() as bars:
        yield Told(console, tracker, bars)
