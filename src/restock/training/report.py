"""How a training reports its progress. It does not know who gets the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Literal, Protocol

from restock.tracking.protocol import Console, Progress, Tracker
from restock.training.outcome import Measured

Phase = Literal["tuning folds", "training"]


class Report(Protocol):
    """Gets the progress of a training: a progress bar, a log, a reason to stop."""

    def begin(self, phase: Phase, steps: int) -> None:
        """Is called when a phase begins, with the largest number of its gradient steps."""
        ...

    def steps(self, losses: Sequence[float]) -> None:
        """Is called after some steps, with their training losses. An error ends the training."""
        ...

    def measured(self, found: Measured) -> None:
        """Is called after the networks were scored on the tuning folds."""
        ...


class Silent:
    """A report that does nothing."""

    def begin(self, phase: Phase, steps: int) -> None:
        """Do nothing."""

    def steps(self, losses: Sequence[float]) -> None:
        """Do nothing."""

    def measured(self, found: Measured) -> None:
        """Do nothing."""


class Logged:
    """A report that logs losses to a run."""

    def __init__(self, tracker: Tracker) -> None:
        """Keep the run."""
        self.tracker = tracker
        self.phase: Phase = "training"
        self.taken = 0

    def begin(self, phase: Phase, steps: int) -> None:  # noqa: ARG002 - of the protocol
        """Count the steps of a phase from 0."""
        self.phase, self.taken = phase, 0

    def steps(self, losses: Sequence[float]) -> None:
        """Log the loss of the final training."""
        self.taken += len(losses)
        if self.phase == "training":
            self.tracker.log_metrics({"loss": sum(losses) / len(losses)}, step=self.taken)

    def measured(self, found: Measured) -> None:
        """Log the loss on the tuning folds."""
        self.tracker.log_metrics({f"tuning_{found.name}": found.loss}, step=found.steps)


class Told(Logged):
    """A report that also moves a progress bar."""

    def __init__(self, console: Console, tracker: Tracker, bars: ExitStack) -> None:
        """Keep the stack that closes the bars; see :func:`told`."""
        super().__init__(tracker)
        self.console, self.bars = console, bars
        self.bar: Progress | None = None

    def begin(self, phase: Phase, steps: int) -> None:
        """Open the bar of a phase."""
        super().begin(phase, steps)
        self.bars.close()
        self.bar = self.bars.enter_context(self.console.progress(phase, steps))

    def steps(self, losses: Sequence[float]) -> None:
        """Log the losses, and move the bar."""
        assert self.bar is not None
        super().steps(losses)
        self.bar.advance(f"loss {sum(losses) / len(losses):.4f}", len(losses))

    def measured(self, found: Measured) -> None:
        """Log the loss on the tuning folds, and show it."""
        assert self.bar is not None
        super().measured(found)
        self.bar.advance(f"{found.name} {found.loss:.4f} after {found.steps} steps", 0)


@contextmanager
def told(console: Console, tracker: Tracker) -> Iterator[Told]:
    """Yield a report to the console and to a run, and close its bars at the end."""
    with ExitStack() as bars:
        yield Told(console, tracker, bars)
