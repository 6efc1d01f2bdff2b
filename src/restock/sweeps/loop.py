"""A worker's loop: claim, measure, tell. Where trials are kept is behind a protocol."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from restock.errors import DiskFullError, LockedError, UnreachableError
from restock.sweeps.queue import Claim, Fenced, Interrupted, Pruned, Queue
from restock.sweeps.results import Trial, TrialState
from restock.tracking.protocol import Tracker
from restock.training.outcome import Outcome

# No trial's fault: it is given back, and the worker ends.
SURROUNDINGS = (DiskFullError, LockedError, UnreachableError)
IDLE = 0.5  # seconds between two looks for work

Report = Callable[[int, Sequence[float]], None]
Measure = Callable[[Claim, Report, Tracker], Outcome]
OpenTrialRun = Callable[[Claim], AbstractContextManager[Tracker]]


class FailedTrial(Exception):  # noqa: N818 - a signal, not an error
    """The trial has been told as failed: its run ends as failed, too."""


def work(
    queue: Queue,
    measure: Measure,
    open_run: OpenTrialRun,
    *,
    worker: str,
    should_stop: Callable[[], bool],
) -> None:
    """Take trials one after the other until all have ended or the worker should stop.

    Args:
        queue: Where trials are claimed and told.
        measure: Measures what a claim proposes: told where to report each fold's loss after each
            epoch, and the run it is logged in.
        open_run: Opens the run that a trial is logged in.
        worker: This process, by a name of its own.
        should_stop: Asked between two epochs.
    """
    while not should_stop() and queue.stopped() is None:
        claim = queue.claim(worker)
        if claim is not None:
            with queue.alive(claim):
                _attempt(queue, claim, measure, open_run, should_stop)
        elif queue.is_done():
            return
        else:
            time.sleep(IDLE)


def _attempt(
    queue: Queue,
    claim: Claim,
    measure: Measure,
    open_run: OpenTrialRun,
    should_stop: Callable[[], bool],
) -> None:
    """Run one attempt in a run of its own, and tell or give back its trial."""
    try:
        with open_run(claim) as log:
            log.log_params(claim.values)
            try:
                trial = settle(queue, claim, measure, log, should_stop)
            except (Interrupted, Fenced, *SURROUNDINGS) as ended:
                log.set_tags({"restock.state": type(ended).__name__.lower()})
                raise
            queue.tell(claim, trial)
            _log_end(log, trial)
            if trial.state == "failed":
                raise FailedTrial
    except (FailedTrial, Fenced):
        return  # told already, or no longer ours to tell
    except (Interrupted, *SURROUNDINGS) as reason:
        queue.release(claim)
        if not isinstance(reason, Interrupted):
            raise


def settle(
    queue: Queue,
    claim: Claim,
    measure: Measure,
    log: Tracker,
    should_stop: Callable[[], bool],
) -> Trial:
    """Measure what a claim proposes, and settle how its trial has ended.

    It is *pruned* where the queue says so, after an epoch or at its end; *failed* where its values
    made it raise anything, or a score is no number; else *complete*. Whatever it raises becomes its
    state, never the sweep's.

    Raises:
        Interrupted, Fenced: It has not ended: it goes on elsewhere.
        DiskFullError, LockedError, UnreachableError: Nor has it here: that is no trial's fault.
    """
    curve: list[float] = []
    folds: list[Sequence[float]] = []

    def report(epoch: int, losses: Sequence[float]) -> None:
        mean = sum(losses) / len(losses)
        curve.append(mean)
        folds.append(losses)
        each = {f"wql_fold_{number}": loss for number, loss in enumerate(losses)}
        log.log_metrics({"wql": mean, **each}, step=epoch)
        if queue.report(claim, epoch, losses):
            raise Pruned
        if should_stop() or queue.stopped() is not None:
            raise Interrupted

    state: TrialState = "complete"
    try:
        outcome = measure(claim, report, log)
        scores = outcome.scores or {"wql": outcome.value}
        if not all(map(math.isfinite, scores.values())):
            said = ", ".join(f"{name}={value}" for name, value in scores.items())
            return Trial(claim.slot, claim.values, "failed", None, f"not a number: {said}")
        if queue.judge(claim, outcome):
            state = "pruned"
    except Pruned:
        best, state = min(range(len(curve)), key=curve.__getitem__), "pruned"
        by_fold = tuple(zip(*folds, strict=True))
        outcome = Outcome(curve[best], best + 1, tuple(curve), by_fold)
    except (Interrupted, Fenced, *SURROUNDINGS):
        raise
    except Exception as error:
        return Trial(claim.slot, claim.values, "failed", None, f"{type(error).__name__}: {error}")
    return Trial(claim.slot, claim.values, state, outcome)


def _log_end(run: Tracker, trial: Trial) -> None:
    """Record a trial's end in its run."""
    run.set_tags(
        {"restock.state": trial.state, **({"restock.error": trial.error} if trial.error else {})}
    )
    if trial.outcome is not None:
        run.log_metrics({"best_wql": trial.outcome.value, "best_epoch": trial.outcome.best_epoch})
        others = {name: v for name, v in trial.outcome.scores.items() if name != "wql"}
        run.log_metrics(others)
