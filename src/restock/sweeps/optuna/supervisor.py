"""The launcher's view of a sweep: it ends the attempts of dead workers, and reports the progress.

It does not claim or measure trials; a worker's queue does.
"""

from __future__ import annotations

from contextlib import suppress

from optuna.trial import FrozenTrial, TrialState

from restock.sweeps.keys import WORKER
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.queue import Fenced
from restock.sweeps.results import StudyResult
from restock.tracking.protocol import SweepProgress


class Supervisor:
    """Supervises the workers of one launcher by their attempts in the study."""

    def __init__(self, opened: OpenStudy) -> None:
        """Supervise a study that is open."""
        self.opened = opened

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return self.opened.sweep.name

    @property
    def max_retries(self) -> int:
        """How often a trial is started again after its worker died."""
        return self.opened.engine.max_retries

    def is_done(self) -> bool:
        """Say whether every slot has ended."""
        return self.opened.is_done()

    def stopped(self) -> str | None:
        """Return why no more trials should be started."""
        return self.opened.stopped()

    def reap(self) -> None:
        """End attempts without a heartbeat for too long as failed, and queue their slots again."""
        self.opened.reap()

    def bury(self, worker: str) -> list[int]:
        """End the attempts of a dead worker as failed; return their numbers."""
        buried = []
        for attempt in self._attempts_of(worker):
            if attempt.state == TrialState.RUNNING:
                with suppress(Fenced):  # it had ended after all
                    self.opened.fail(attempt)
                    buried.append(attempt.number)
        self.opened.requeue_lost()
        return buried

    def knows(self, worker: str) -> bool:
        """Say whether a worker ever took a trial."""
        return bool(self._attempts_of(worker))

    def num_ended(self) -> int:
        """Return how many slots have ended."""
        return self.opened.snapshot().num_ended

    def result(self) -> StudyResult:
        """Return the trials that have ended.

        Raises:
            SweepError: If nothing completed.
        """
        return self.opened.snapshot().result()

    def progress(self) -> SweepProgress:
        """Return what the terminal shows of the sweep."""
        return self.opened.snapshot().progress(self.opened.num_trials)

    def _attempts_of(self, worker: str) -> list[FrozenTrial]:
        return [a for a in self.opened.attempts() if a.user_attrs.get(WORKER) == worker]
