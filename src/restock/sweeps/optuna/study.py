"""The study of a sweep, opened: what a worker's queue and the launcher's supervisor both hold.

A trial of ours is a *slot*: 0 to num_trials - 1. What Optuna calls a trial is one *attempt* at a
slot. An attempt whose worker died is failed by Optuna's heartbeat rule; since it gave no error, its
slot is queued again. The state of a sweep is read off the attempts alone, so that a crash between
any two writes leaves nothing to repair.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from restock.settings.engine import EngineSettings
from restock.sweeps.keys import EPOCHS, KEY, KNOWN, NUM_TRIALS, RESUMES, RETRIES, SLOT, STOP, SWEEP
from restock.sweeps.optuna import samplers as adapters
from restock.sweeps.optuna.database import open_storage, patiently, study_lock
from restock.sweeps.optuna.proposals import Proposals
from restock.sweeps.optuna.snapshot import Snapshot
from restock.sweeps.queue import Fenced, SweepError
from restock.sweeps.spec import SearchRecipe, Sweep


@dataclass(frozen=True)
class OpenStudy:
    """A study in a database.

    Attributes:
        url: Of the database.
        engine: How workers give signs of life, and how often a trial is tried.
        storage: The database, opened.
        study: The study in it.
        sweep: As it was frozen at launch.
        key: Identifies the sweep, whatever it is called.
    """

    url: str
    engine: EngineSettings
    storage: optuna.storages.RDBStorage
    study: optuna.Study
    sweep: Sweep
    key: str

    @classmethod
    def open(
        cls,
        url: str,
        name: str,
        engine: EngineSettings,
        storage: optuna.storages.RDBStorage | None = None,
    ) -> OpenStudy:
        """Open a study that exists.

        Args:
            url: Of the database.
            name: The sweep's.
            engine: How its workers give signs of life, and how often a trial is tried.
            storage: The database, where it is open already.

        Raises:
            SweepError: If there is none of that name.
        """
        storage = storage or open_storage(url, engine)
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError:
            raise SweepError(f"no sweep {name!r} here. `restock sweeps` lists them.") from None
        attributes = study.user_attrs
        if SWEEP not in attributes:
            raise SweepError(f"{name!r} is a study that restock did not launch.")
        sweep = Sweep.from_json(attributes[SWEEP])
        return cls(url, engine, storage, study, sweep, str(attributes[KEY]))

    @classmethod
    def create(cls, url: str, sweep: Sweep, engine: EngineSettings, num_trials: int) -> OpenStudy:
        """Create the study of a sweep, or join the one that was launched with the same.

        Raises:
            SweepMismatchError: If one of that name was launched with something else.
        """
        storage = open_storage(url, engine)
        directions = ["minimize"] * len(sweep.settings["search"]["objectives"])
        with study_lock(url):
            study = optuna.create_study(
                study_name=sweep.name, storage=storage, directions=directions, load_if_exists=True
            )
            stored = study.user_attrs.get(SWEEP)
            if stored is not None:
                sweep.check_same(Sweep.from_json(stored))
            else:
                study.set_user_attr(KEY, uuid.uuid4().hex)
                study.set_user_attr(SWEEP, sweep.to_json())
            wanted = max(num_trials, study.user_attrs.get(NUM_TRIALS, 0))
            study.set_user_attr(NUM_TRIALS, wanted)
            study.set_user_attr(STOP, None)
        return cls.open(url, sweep.name, engine, storage)

    def close(self) -> None:
        """Let go of the database."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    @cached_property
    def settings(self) -> SearchRecipe:
        """What is trained and searched."""
        return self.sweep.view(SearchRecipe)

    @cached_property
    def proposals(self) -> Proposals:
        """What is tried next."""
        return Proposals(self.study, self.url, self.settings, self.sweep.points)

    @property
    def num_trials(self) -> int:
        """Slots of the sweep."""
        wanted = int(patiently(lambda: self.study.user_attrs[NUM_TRIALS]))
        points = self.proposals.points
        return wanted if points is None else min(wanted, len(points))

    def attempts(self) -> list[FrozenTrial]:
        """Return all attempts in the order they were queued."""
        self.study._thread_local.cached_all_trials = None
        return patiently(lambda: self.study.get_trials(deepcopy=False))

    def snapshot(self) -> Snapshot:
        """Return how the sweep stands now."""
        retries = self.engine.max_retries
        return Snapshot(self.sweep.name, self.settings, self.sweep.points, retries, self.attempts())

    def is_done(self) -> bool:
        """Say whether every slot has ended."""
        snapshot, wanted = self.snapshot(), self.num_trials
        return len(snapshot.slots) >= wanted and snapshot.num_ended == len(snapshot.slots)

    def stopped(self) -> str | None:
        """Return why no more trials should be started."""
        return patiently(lambda: self.study.user_attrs.get(STOP))

    def stop(self, reason: str | None) -> None:
        """Ask every worker on every machine to give back what it runs; None takes that back."""
        patiently(lambda: self.study.set_user_attr(STOP, reason))

    def reap(self) -> None:
        """Fail attempts whose worker gave no sign of life for too long, and queue them again."""
        with adapters.quiet():
            patiently(lambda: optuna.storages.fail_stale_trials(self.study))
        self.requeue_lost()

    def requeue_lost(self) -> None:
        """Queue the slots whose last attempt ended without a result."""

        def requeue() -> None:
            with study_lock(self.url):  # by one process: it looks again
                for attempt in self.snapshot().lost():
                    self._retry(attempt)

        if self.snapshot().lost():
            patiently(requeue)

    def fail(self, attempt: FrozenTrial) -> None:
        """End an attempt without a result.

        Raises:
            Fenced: If it has ended already.
        """
        store, failed = self.study._storage, TrialState.FAIL
        fenced(lambda: store.set_trial_state_values(attempt._trial_id, state=failed))

    def _retry(self, attempt: FrozenTrial) -> None:
        """Queue a slot again with the values it had."""
        kept = {k: v for k, v in attempt.user_attrs.items() if k in (SLOT, EPOCHS, RESUMES, KNOWN)}
        fixed = attempt.params or attempt.system_attrs.get("fixed_params", {})
        self.proposals.enqueue(fixed, {**kept, RETRIES: attempt.number})


def fenced(write: Callable[[], object]) -> None:
    """Write to an attempt, patiently.

    Raises:
        Fenced: If it has ended meanwhile.
    """
    try:
        patiently(write)
    except UpdateFinishedTrialError as error:
        raise Fenced from error
