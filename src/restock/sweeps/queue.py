"""The queue of a sweep for its workers: how trials are claimed, and how they end."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from restock.errors import RestockError, StoppedError
from restock.sweeps.results import Trial
from restock.training.outcome import Measured, Outcome


class Pruned(Exception):  # noqa: N818 - a signal, not an error
    """The trial was stopped because it is worse than others after the same share of steps."""


class Interrupted(StoppedError):  # noqa: N818 - a signal, not an error
    """The worker was asked to stop. The trial is released, so that another worker continues it."""


class Fenced(Exception):  # noqa: N818 - a signal, not an error
    """The trial was given to another worker in the meantime; this worker's result is ignored."""


class SweepError(RestockError):
    """The sweep cannot be used: there is none, it was stopped, or no trial completed."""


@dataclass(frozen=True)
class Claim:
    """One attempt at a trial, held by one worker.

    Attributes:
        slot: Number of the trial, from 0. All attempts at a trial have the same.
        number: Number of the attempt, unique in the study.
        values: Proposed values, by settings path.
        share: Share of the budget set by the tuner; None: all of it.
        retries: Earlier attempt at the same trial that this one continues.
        resumes: Slot of another trial whose training this one continues.
    """

    slot: int
    number: int
    values: dict[str, Any]
    share: float | None = None
    retries: int | None = None
    resumes: int | None = None


class Queue(Protocol):
    """One worker's queue of a sweep.

    *Threads.* A queue belongs to one worker process and is called from one thread. Only the
    heartbeats of :meth:`alive` come from another thread, which writes nothing else. Any number of
    queues may use the same sweep, in other processes and on other machines.

    *Who may write what, and when.* :meth:`claim` gives an attempt to exactly one worker. From then
    until :meth:`tell` or :meth:`release`, only this worker writes the attempt's losses and its end.
    Nobody else changes an attempt that has heartbeats. If it has none for longer than
    ``engine.grace``, or its process is known to be dead, anybody may end it. Its slot is then
    queued again, and continues from the last saved state.

    *Late writers.* A worker may seem dead and come back, for example after it was suspended or
    without network. Its next write raises :class:`Fenced` and changes nothing. It continues with
    the next claim.

    *Crashes.* A process may die between any two writes of a method. The state of a sweep is
    computed from the attempts only, so that there is nothing to repair: told results remain, and
    all others are computed again.

    *If the database is gone,* a method waits. After a while it raises ``UnreachableError``,
    ``DiskFullError`` or ``LockedError``. No trial caused these errors, so no trial fails by them.
    """

    def claim(self, worker: str) -> Claim | None:
        """Take the next trial, or return None if there is none to take now."""
        ...

    def alive(self, claim: Claim) -> AbstractContextManager[None]:
        """Record heartbeats while the block runs."""
        ...

    def report(self, claim: Claim, found: Measured) -> bool:
        """Record the losses at a length; return whether the trial should be pruned.

        Raises:
            Fenced: If the trial was given to another worker.
        """
        ...

    def judge(self, claim: Claim, outcome: Outcome) -> bool:
        """Return whether a finished trial is significantly worse than the best one, fold by fold.

        Raises:
            Fenced: If the trial was given to another worker.
        """
        ...

    def tell(self, claim: Claim, trial: Trial) -> None:
        """Record how the trial ended.

        Raises:
            Fenced: If the trial was given to another worker.
        """
        ...

    def release(self, claim: Claim) -> None:
        """Release a trial, so that another worker can continue it."""
        ...

    def is_done(self) -> bool:
        """Say whether every trial has ended."""
        ...

    def stopped(self) -> str | None:
        """Return why no more trials should be started; None if they should."""
        ...
