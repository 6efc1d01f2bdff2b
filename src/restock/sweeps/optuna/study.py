"""An open study of a sweep. A worker's queue and the launcher's supervisor both use one.

Each trial of a sweep has a *slot*: 0 to num_trials - 1. What Optuna calls a trial is one *attempt*
at a slot. If a worker dies, Optuna's heartbeat rule ends its attempt as failed. This attempt has no
error, so its slot is queued again. The state of a sweep is computed from the attempts only. So a
crash between any two writes leaves nothing to repair.
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
from restock.sweeps.keys import KEY, KNOWN, NUM_TRIALS, RESUMES, RETRIES, SHARE, SLOT, STOP, SWEEP
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
        url: URL of the database.
        engine: Heartbeat, grace and number of retries.
        storage: The open database.
        study: The study in it.
        sweep: The sweep as it was frozen at launch.
        key: Unique key of the sweep. It does not depend on the name.
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
            url: URL of the database.
            name: Name of the sweep.
            engine: Heartbeat, grace and number of retries.
            storage: The database, if it is already open.

        Raises:
            SweepError: If there is no sweep of this name.
        """
        storage = storage or open_storage(url, engine)
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError:
            raise SweepError(f"no sweep {name!r} here. `restock sweeps` lists them.") from None
        attributes = study.user_attrs
        if SWEEP not in attributes:
            raise SweepError(
                f"{name!r} is a study in this database, but restock did not launch it. `restock "
                "sweeps` lists the sweeps."
            )
        sweep = Sweep.from_json(attributes[SWEEP])
        return cls(url, engine, storage, study, sweep, str(attributes[KEY]))

    @classmethod
    def create(cls, url: str, sweep: Sweep, engine: EngineSettings, num_trials: int) -> OpenStudy:
        """Create the study of a sweep, or join one with the same settings, data and code.

        Raises:
            SweepMismatchError: If one of this name was launched with something else.
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
        """Close the connections to the database."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    @cached_property
    def settings(self) -> SearchRecipe:
        """Settings of the training and of the search."""
        return self.sweep.view(SearchRecipe)

    @cached_property
    def proposals(self) -> Proposals:
        """The source of the next values."""
        return Proposals(self.study, self.url, self.settings, self.sweep.points)

    @property
    def num_trials(self) -> int:
        """Number of slots of the sweep."""
        wanted = int(patiently(lambda: self.study.user_attrs[NUM_TRIALS]))
        points = self.proposals.points
        return wanted if points is None else min(wanted, len(points))

    def attempts(self) -> list[FrozenTrial]:
        """Return all attempts in the order they were queued."""
        self.study._thread_local.cached_all_trials = None
        return patiently(lambda: self.study.get_trials(deepcopy=False))

    def snapshot(self) -> Snapshot:
        """Return the current state of the sweep."""
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
        """Ask every worker on every machine to release its trial. None withdraws the request."""
        patiently(lambda: self.study.set_user_attr(STOP, reason))

    def reap(self) -> None:
        """End attempts without a heartbeat for too long as failed, and queue their slots again."""
        with adapters.quiet():
            patiently(lambda: optuna.storages.fail_stale_trials(self.study))
        self.requeue_lost()

    def requeue_lost(self) -> None:
        """Queue the slots whose last attempt ended without a result."""

        def requeue() -> None:
            with study_lock(self.url):  # only one process does it; it reads the state again
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
        kept = {k: v for k, v in attempt.user_attrs.items() if k in (SLOT, SHARE, RESUMES, KNOWN)}
        fixed = attempt.params or attempt.system_attrs.get("fixed_params", {})
        self.proposals.enqueue(fixed, {**kept, RETRIES: attempt.number})


def fenced(write: Callable[[], object]) -> None:
    """Write to an attempt; wait if the database is gone.

    Raises:
        Fenced: If the attempt has ended in the meantime.
    """
    try:
        patiently(write)
    except UpdateFinishedTrialError as error:
        raise Fenced from error
