"""The queue of a sweep as its workers see it: what may be claimed, and what becomes of a claim."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from restock.errors import RestockError, StoppedError
from restock.sweeps.results import Trial
from restock.training.outcome import Outcome


class Pruned(Exception):  # noqa: N818 - a signal, not an error
    """The trial was stopped because it is worse than others at the same epoch."""


class Interrupted(StoppedError):  # noqa: N818 - a signal, not an error
    """The worker was asked to stop; the trial is given back and goes on elsewhere."""


class Fenced(Exception):  # noqa: N818 - a signal, not an error
    """The trial was given to another worker meanwhile: this one's result counts no more."""


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


class Queue(Protocol):
    """One worker's hold on a sweep.

    *Threads.* A queue belongs to one worker process, and is called from one thread of it. Only the
    sign of life of :meth:`alive` comes from another thread, and it writes nothing else. Any number
    of queues, in other processes and on other machines, may be open on one sweep.

    *Who may write what, when.* :meth:`claim` gives an attempt to exactly one worker. From then on
    until :meth:`tell` or :meth:`release`, that worker alone writes its losses and its end; nobody
    else touches an attempt that gives signs of life. An attempt that gives none for longer than
    ``engine.grace``, or whose process is known to be dead, may be ended by anybody; its slot is
    then queued again, from the last epoch that was saved.

    *What a stale writer meets.* A worker that was taken for dead and wakes up (it was suspended,
    its network was gone) finds :class:`Fenced` at its next write, and has changed nothing. It goes
    on to the next claim.

    *Crashes.* Every method may be cut off between any two of its writes. How a sweep stands is read
    off the attempts alone, so that there is nothing to repair: what was told stands, and what was
    not is made again.

    *A database that is gone* is waited for. In the end a method raises ``UnreachableError``,
    ``DiskFullError`` or ``LockedError``: no trial's fault, so that no trial fails by it.
    """

    def claim(self, worker: str) -> Claim | None:
        """Take the next trial, or return None where there is none to take now."""
        ...

    def alive(self, claim: Claim) -> AbstractContextManager[None]:
        """Give signs of life while the block runs."""
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
