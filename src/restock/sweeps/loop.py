"""A worker's loop: claim a trial, measure it, tell the result. A protocol hides the database."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from restock.errors import DiskFullError, LockedError, UnreachableError
from restock.sweeps.queue import Claim, Fenced, Interrupted, Pruned, Queue
from restock.sweeps.results import Trial, TrialState
from restock.tracking.protocol import Tracker
from restock.training.outcome import Measured, Outcome

# Errors that no trial caused: the trial is released, and the worker ends.
SURROUNDINGS = (DiskFullError, LockedError, UnreachableError)
IDLE = 0.5  # seconds between two checks for work

Report = Callable[[Measured | None], None]  # None: nothing is new, but it may have to stop
Measure = Callable[[Claim, Report, Tracker], Outcome]
OpenTrialRun = Callable[[Claim], AbstractContextManager[Tracker]]


class FailedTrial(Exception):  # noqa: N818 - a signal, not an error
    """The trial was told as failed, and its run has to end as failed, too."""


def work(
    queue: Queue,
    measure: Measure,
    open_run: OpenTrialRun,
    *,
    worker: str,
    should_stop: Callable[[], bool],
) -> None:
    """Run trials one after the other until all have ended or the worker should stop.

    Args:
        queue: Queue of the sweep.
        measure: Trains what a claim proposes. It gets a function that it calls from time to
            time, with the losses if they are new, and the run of the trial.
        open_run: Opens the run of a trial.
        worker: Unique name of this process.
        should_stop: Says, in between, whether to stop.
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
    """Run one attempt in its own run. Then tell the result of the trial, or release it."""
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
        return  # already told, or another worker has the trial
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
    """Measure what a claim proposes, and decide how its trial has ended.

    The trial is *pruned* if the queue says so, after a report or at the end. It is *failed* if it
    raises an error or a score is not a finite number. Else it is *complete*. An error of a trial
    never stops the sweep.

    Raises:
        Interrupted, Fenced: If the trial has not ended and continues elsewhere.
        DiskFullError, LockedError, UnreachableError: If there was an error that no trial caused.
            The trial has not ended then.
    """
    found: list[Measured] = []

    def report(new: Measured | None) -> None:
        if new is not None:
            found.append(new)
            each = {f"{new.name}_fold_{number}": loss for number, loss in enumerate(new.by_fold)}
            log.log_metrics({new.name: new.loss, **each}, step=new.steps)
            if queue.report(claim, new):
                raise Pruned
        if should_stop() or queue.stopped() is not None:
            raise Interrupted

    state: TrialState = "complete"
    try:
        outcome = measure(claim, report, log)
        scores = outcome.scores or {"loss": outcome.value}
        if not all(map(math.isfinite, scores.values())):
            said = ", ".join(f"{name}={value}" for name, value in scores.items())
            return Trial(claim.slot, claim.values, "failed", None, f"not a number: {said}")
        if queue.judge(claim, outcome):
            state = "pruned"
    except Pruned:
        outcome, state = Outcome.of(found), "pruned"
    except (Interrupted, Fenced, *SURROUNDINGS):
        raise
    except Exception as error:
        return Trial(claim.slot, claim.values, "failed", None, f"{type(error).__name__}: {error}")
    return Trial(claim.slot, claim.values, state, outcome)


def _log_end(run: Tracker, trial: Trial) -> None:
    """Log how a trial ended in its run."""
    run.set_tags(
        {"restock.state": trial.state, **({"restock.error": trial.error} if trial.error else {})}
    )
    if trial.outcome is not None:
        best = {f"best_{trial.outcome.name}": trial.outcome.value}
        run.log_metrics(best | {"best_steps": trial.outcome.steps} | trial.outcome.others)
