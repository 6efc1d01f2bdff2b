"""The tuning loop is ours: claim, run, tell. Where trials are kept is behind a protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from restock.errors import DiskFullError, LockedError, RestockError, StoppedError, UnreachableError
from restock.sweeps.results import Outcome, Trial, TrialState
from restock.tracking.protocol import Tracker

# No trial's fault: it is given back, and the worker ends.
SURROUNDINGS = (DiskFullError, LockedError, UnreachableError)
IDLE = 0.5  # seconds between two looks for work


class Pruned(Exception):  # noqa: N818 - a signal, not an error
    """The trial was stopped because it is worse than others at the same epoch."""


class Interrupted(StoppedError):  # noqa: N818 - a signal, not an error
    """The worker was asked to stop; the trial is given back and goes on elsewhere."""


class Fenced(Exception):  # noqa: N818 - a signal, not an error
    """The trial was given to another worker meanwhile: this one's result counts no more."""


class FailedTrial(Exception):  # noqa: N818 - a signal, not an error
    """The trial has been told as failed."""


class SweepError(RestockError):
    """No trial completed, or the same failure came back too often."""


@dataclass(frozen=True)
class Claim:
    """One attempt at a trial, held by one worker.

    Attributes:
        slot: The trial, from 0. Attempts at the same trial share it.
        number: The attempt, unique in the study.
        values: What the tuner proposes, by settings path.
        epochs: A budget set by the tuner.
        retries: Attempt that this one goes on from.
        resumes: Slot of another trial whose training this one goes on with.
    """

    slot: int
    number: int
    values: dict[str, Any]
    epochs: int | None = None
    retries: int | None = None
    resumes: int | None = None


class Ledger(Protocol):
    """The truth of a sweep, shared by all its workers."""

    def claim(self, worker: str) -> Claim | None:
        """Take the next trial, or return None where there is none to take now."""
        ...

    def alive(self, claim: Claim) -> AbstractContextManager[None]:
        """Give signs of life while a trial runs."""
        ...

    def report(self, claim: Claim, epoch: int, losses: Sequence[float]) -> bool:
        """Record each fold's loss after an epoch; return whether the trial should be pruned.

        Raises:
            Fenced: If the trial was given to another worker.
        """
        ...

    def judge(self, claim: Claim, outcome: Outcome) -> bool:
        """Return whether a trial that ran to its end is surely worse than the best, fold by fold.

        Raises:
            Fenced: If the trial was given to another worker.
        """
        ...

    def tell(self, claim: Claim, trial: Trial) -> None:
        """Record how it ended.

        Raises:
            Fenced: If the trial was given to another worker.
        """
        ...

    def release(self, claim: Claim) -> None:
        """Give a trial back, to go on elsewhere."""
        ...

    def is_done(self) -> bool:
        """Say whether every trial has ended."""
        ...

    def stopped(self) -> str | None:
        """Return why no more trials should be started, if they should not."""
        ...


Report = Callable[[int, Sequence[float]], None]
Run = Callable[[Claim, Report, Tracker], Outcome]
OpenRun = Callable[[Claim], AbstractContextManager[Tracker]]


def work(
    ledger: Ledger, run: Run, open_run: OpenRun, *, worker: str, should_stop: Callable[[], bool]
) -> None:
    """Take trials one after the other until all have ended or the worker should stop.

    Args:
        ledger: Where trials are claimed and told.
        run: Measures what a claim proposes: told where to report each fold's loss after each
            epoch, and the run it is logged in.
        open_run: Opens the run that a trial is logged in.
        worker: This process, by a name of its own.
        should_stop: Asked between two epochs.
    """
    while not should_stop() and ledger.stopped() is None:
        claim = ledger.claim(worker)
        if claim is not None:
            with ledger.alive(claim):
                _attempt(ledger, claim, run, open_run, should_stop)
        elif ledger.is_done():
            return
        else:
            time.sleep(IDLE)


def _attempt(
    ledger: Ledger, claim: Claim, run: Run, open_run: OpenRun, should_stop: Callable[[], bool]
) -> None:
    """Run one trial; whatever its values make it raise becomes its state, never the sweep's."""
    try:
        with open_run(claim) as log:
            log.log_params(claim.values)
            try:
                trial = _measure(ledger, claim, run, log, should_stop)
            except (Interrupted, Fenced, *SURROUNDINGS) as ended:
                log.set_tags({"restock.state": type(ended).__name__.lower()})
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                trial = Trial(claim.slot, claim.values, "failed", None, reason)
                _end(ledger, claim, log, trial)
                raise FailedTrial from error  # so that its run ends as failed
            _end(ledger, claim, log, trial)
    except (FailedTrial, Fenced):
        return  # told already, or no longer ours to tell
    except (Interrupted, *SURROUNDINGS) as reason:
        ledger.release(claim)
        if not isinstance(reason, Interrupted):
            raise


def _end(ledger: Ledger, claim: Claim, log: Tracker, trial: Trial) -> None:
    ledger.tell(claim, trial)
    log_end(log, trial)


def _measure(
    ledger: Ledger, claim: Claim, run: Run, log: Tracker, should_stop: Callable[[], bool]
) -> Trial:
    curve: list[float] = []
    folds: list[Sequence[float]] = []

    def report(epoch: int, losses: Sequence[float]) -> None:
        mean = sum(losses) / len(losses)
        curve.append(mean)
        folds.append(losses)
        by_fold = {f"wql_fold_{number}": loss for number, loss in enumerate(losses)}
        log.log_metrics({"wql": mean, **by_fold}, step=epoch)
        if ledger.report(claim, epoch, losses):
            raise Pruned
        if should_stop() or ledger.stopped() is not None:
            raise Interrupted

    try:
        outcome = run(claim, report, log)
        state: TrialState = "pruned" if ledger.judge(claim, outcome) else "complete"
        return Trial(claim.slot, claim.values, state, outcome)
    except Pruned:
        best = min(range(len(curve)), key=curve.__getitem__)
        by_fold = tuple(zip(*folds, strict=True))
        outcome = Outcome(curve[best], best + 1, tuple(curve), by_fold)
        return Trial(claim.slot, claim.values, "pruned", outcome)


def log_end(run: Tracker, trial: Trial) -> None:
    """Record a trial's end in its run."""
    run.set_tags(
        {"restock.state": trial.state, **({"restock.error": trial.error} if trial.error else {})}
    )
    if trial.outcome is not None:
        run.log_metrics({"best_wql": trial.outcome.value, "best_epoch": trial.outcome.best_epoch})
        others = {name: v for name, v in trial.outcome.scores.items() if name != "wql"}
        run.log_metrics(others)
