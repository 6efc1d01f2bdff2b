"""A study in a database as the truth of a sweep: claims, signs of life, retries, fencing.

A trial of ours is a *slot*: 0 to num_trials - 1. What Optuna calls a trial is one *attempt* at a
slot. An attempt whose worker died is failed by Optuna's heartbeat rule; since it gave no error, its
slot is queued again. The state of a sweep is read off the attempts alone, so that a crash between
any two writes leaves nothing to repair.
"""

from __future__ import annotations

import json
import math
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from restock.settings.tree import EngineSettings, KerasTunerSettings
from restock.sweeps.keys import (
    EPOCHS,
    ERROR,
    KEY,
    KNOWN,
    NUM_TRIALS,
    OUTCOME,
    RELEASED,
    RESUMES,
    RETRIES,
    SLOT,
    STOP,
    SWEEP,
    WORKER,
)
from restock.sweeps.loop import Claim, Fenced, SweepError
from restock.sweeps.optuna import samplers as adapters
from restock.sweeps.optuna.database import open_storage, patiently, study_lock
from restock.sweeps.optuna.proposals import Proposals
from restock.sweeps.optuna.snapshot import Standing, swept_values
from restock.sweeps.results import Outcome, StudyResult, Trial
from restock.sweeps.spec import Sweep
from restock.tracking.protocol import SweepView

QUEUE = 16  # slots are queued so many at a time


class OptunaLedger:
    """One process's hold on the study of a sweep."""

    def __init__(
        self,
        url: str,
        name: str,
        engine: EngineSettings,
        storage: optuna.storages.RDBStorage | None = None,
    ) -> None:
        """Open a study that exists.

        Args:
            url: Of the database.
            name: The sweep's.
            engine: How its workers give signs of life, and how often a trial is tried.
            storage: The database, where it is open already.

        Raises:
            SweepError: If there is none of that name.
        """
        self.url, self.engine = url, engine
        self.storage = storage or open_storage(url, engine)
        try:
            self.study = optuna.load_study(study_name=name, storage=self.storage)
        except KeyError:
            raise SweepError(f"no sweep {name!r} here. `restock sweeps` lists them.") from None
        attributes = self.study.user_attrs
        if SWEEP not in attributes:
            raise SweepError(f"{name!r} is a study that restock did not launch.")
        self.sweep, self.key = Sweep.from_json(attributes[SWEEP]), str(attributes[KEY])
        self.settings = self.sweep.parsed()
        self.search = self.settings.search
        self.proposals = Proposals(self.study, url, self.sweep, self.settings)
        tuner = self.search.tuner
        if not isinstance(tuner, KerasTunerSettings):
            epochs = self.settings.training.max_epochs
            self.study.pruner = adapters.make_pruner(tuner, epochs)
        self._study_id = self.storage.get_study_id_from_name(name)
        # Reads what Optuna's cache holds instead of the whole table each time.
        self._store = self.study._storage
        self._trials: dict[int, optuna.trial.Trial] = {}

    @classmethod
    def launch(
        cls, url: str, sweep: Sweep, engine: EngineSettings, num_trials: int
    ) -> OptunaLedger:
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
        return cls(url, sweep.name, engine, storage)

    def close(self) -> None:
        """Let go of the database."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    # What a worker does.

    def claim(self, worker: str) -> Claim | None:
        """Take a waiting attempt; queue more where none waits. None: there is nothing to take."""
        while True:
            taken = patiently(lambda: self._take(worker))
            if taken is not None:
                return patiently(partial(self._begin, taken))
            if not patiently(self._queue):
                return None

    @contextmanager
    def alive(self, claim: Claim) -> Iterator[None]:
        """Record a heartbeat every few seconds, from a thread that a stopped process stops too."""
        done = threading.Event()
        trial_id = self._trials[claim.number]._trial_id

        def beat() -> None:
            while not done.wait(self.engine.heartbeat):
                try:
                    self.storage.record_heartbeat(trial_id)
                except Exception:  # noqa: S112 - the next beat may come through; silence fences
                    continue
            self.storage.remove_session()  # each thread has its own

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(timeout=self.engine.heartbeat)
            self._trials.pop(claim.number, None)

    def report(self, claim: Claim, epoch: int, losses: Sequence[float]) -> bool:
        """Record the mean loss of an epoch; a value that is no number never reaches the pruner."""
        mean = sum(losses) / len(losses)
        if len(self.search.objectives) > 1:
            return False
        if getattr(self.search.tuner, "pruner", "none") == "wilcoxon":
            self._fenced(lambda: self._check_ours(claim))
            return False
        return self._intermediate(claim, {epoch: mean})

    def judge(self, claim: Claim, outcome: Outcome) -> bool:
        """Compare the folds of a finished trial with those of the best one (Wilcoxon's test)."""
        if getattr(self.search.tuner, "pruner", "none") != "wilcoxon":
            return False
        at = outcome.best_epoch - 1
        return self._intermediate(
            claim, {fold: curve[at] for fold, curve in enumerate(outcome.fold_curves)}
        )

    def tell(self, claim: Claim, trial: Trial) -> None:
        """Record how an attempt ended."""
        handle = self._trials[claim.number]
        values = None
        if trial.state == "complete":
            assert trial.outcome is not None
            scores = trial.outcome.scores or {"wql": trial.outcome.value}
            values = [scores[name] for name in self.search.objectives]
            if not all(map(math.isfinite, values)):
                text = ", ".join(f"{k}={v}" for k, v in scores.items())
                trial = Trial(trial.number, trial.values, "failed", None, f"not a number: {text}")
                values = None

        def write() -> None:
            if trial.outcome is not None:
                handle.set_user_attr(OUTCOME, json.dumps(asdict(trial.outcome)))
            if trial.error is not None:
                handle.set_user_attr(ERROR, trial.error[:2000])

        self._fenced(write)
        self._fenced(lambda: self._finish(claim, trial, values))
        self._break_circuit()

    def release(self, claim: Claim) -> None:
        """Give an attempt back: it counts as no failure, and another worker may take it."""
        handle = self._trials[claim.number]
        try:
            self._fenced(lambda: handle.set_user_attr(RELEASED, True))
            self._fenced(lambda: self.study.tell(handle, state=TrialState.FAIL))
        except Fenced:
            return
        self._queue_lost()

    def is_done(self) -> bool:
        """Say whether every slot has ended."""
        standing, wanted = self.standing(), self.num_trials
        return len(standing.slots) >= wanted and standing.num_ended == len(standing.slots)

    def stopped(self) -> str | None:
        """Return why no more trials should be started."""
        return patiently(lambda: self.study.user_attrs.get(STOP))

    # What the launcher and other commands do.

    @property
    def num_trials(self) -> int:
        """Slots of the sweep."""
        wanted = int(patiently(lambda: self.study.user_attrs[NUM_TRIALS]))
        points = self.proposals.points
        return wanted if points is None else min(wanted, len(points))

    def stop(self, reason: str | None) -> None:
        """Ask every worker on every machine to give back what it runs; None takes that back."""
        patiently(lambda: self.study.set_user_attr(STOP, reason))

    def reap(self) -> None:
        """Fail attempts whose worker gave no sign of life for too long, and queue them again."""
        with adapters.quiet():
            patiently(lambda: optuna.storages.fail_stale_trials(self.study))
        self._queue_lost()

    def bury(self, worker: str) -> list[int]:
        """Fail the attempts of a worker that is known to be dead; return their numbers."""
        buried = []
        for attempt in self.attempts():
            ours = attempt.user_attrs.get(WORKER) == worker
            if ours and attempt.state == TrialState.RUNNING:
                with suppress(Fenced):  # it had ended after all
                    self._fenced(lambda a=attempt: self._fail(a))  # type: ignore[misc]
                    buried.append(attempt.number)
        self._queue_lost()
        return buried

    def knows(self, worker: str) -> bool:
        """Say whether a worker ever took a trial."""
        return any(attempt.user_attrs.get(WORKER) == worker for attempt in self.attempts())

    def num_ended(self) -> int:
        """Return how many slots have ended."""
        return self.standing().num_ended

    def attempts(self) -> list[FrozenTrial]:
        """Return all attempts in the order they were queued."""
        self.study._thread_local.cached_all_trials = None
        return patiently(lambda: self.study.get_trials(deepcopy=False))

    def standing(self) -> Standing:
        """Return how the sweep stands now."""
        retries = self.engine.max_retries
        return Standing(self.sweep.name, self.settings, self.sweep.points, retries, self.attempts())

    def result(self) -> StudyResult:
        """Return the trials that have ended.

        Raises:
            SweepError: If nothing completed.
        """
        return self.standing().result()

    def view(self) -> SweepView:
        """Return what a terminal shows of the sweep."""
        return self.standing().view(self.num_trials)

    # Attempts.

    def _take(self, worker: str) -> int | None:
        """Make a waiting attempt ours; heartbeat first, for without one it never goes stale."""
        waiting = self._store.get_all_trials(
            self._study_id, deepcopy=False, states=(TrialState.WAITING,)
        )
        for attempt in sorted(waiting, key=lambda a: a.user_attrs.get(SLOT, a.number)):
            try:
                self.storage.record_heartbeat(attempt._trial_id)
                if self._store.set_trial_state_values(attempt._trial_id, state=TrialState.RUNNING):
                    self._store.set_trial_user_attr(attempt._trial_id, WORKER, worker)
                    return int(attempt._trial_id)
            except UpdateFinishedTrialError:
                continue
        return None

    def _begin(self, trial_id: int) -> Claim:
        """Have values proposed, by the seed and the slot alone where that may be."""
        attempt = self._store.get_trial(trial_id)
        handle = self.proposals.propose(attempt, self.standing)
        self._trials[attempt.number] = handle
        fresh = self._store.get_trial(trial_id)
        return Claim(
            attempt.user_attrs[SLOT],
            attempt.number,
            swept_values(self.settings, self.sweep.points, fresh),
            fresh.user_attrs.get(EPOCHS),
            attempt.user_attrs.get(RETRIES),
            fresh.user_attrs.get(RESUMES),
        )

    def _queue(self) -> bool:
        """Queue new slots where none waits any more; return whether any waits now."""
        self.reap()
        with study_lock(self.url):
            slots = self.standing().slots
            if any(tried[-1].state == TrialState.WAITING for tried in slots.values()):
                return True
            new = range(len(slots), min(len(slots) + QUEUE, self.num_trials))
            for slot in new:
                self.proposals.enqueue(self.proposals.first(slot), {SLOT: slot})
            return bool(new)

    def _queue_lost(self) -> None:
        """Queue the slots whose last attempt ended without a result."""

        def queue() -> None:
            with study_lock(self.url):  # by one process: it looks again
                for attempt in self.standing().lost():
                    self._retry(attempt)

        if self.standing().lost():
            patiently(queue)

    def _retry(self, attempt: FrozenTrial) -> None:
        """Queue a slot again with the values it had."""
        kept = {k: v for k, v in attempt.user_attrs.items() if k in (SLOT, EPOCHS, RESUMES, KNOWN)}
        fixed = attempt.params or attempt.system_attrs.get("fixed_params", {})
        self.proposals.enqueue(fixed, {**kept, RETRIES: attempt.number})

    # Writing, fenced.

    def _fenced(self, write: Callable[[], object]) -> None:
        try:
            patiently(write)
        except UpdateFinishedTrialError as error:
            raise Fenced from error

    def _fail(self, attempt: FrozenTrial) -> None:
        self._store.set_trial_state_values(attempt._trial_id, state=TrialState.FAIL)

    def _check_ours(self, claim: Claim) -> None:
        if self._store.get_trial(self._trials[claim.number]._trial_id).state.is_finished():
            raise Fenced

    def _intermediate(self, claim: Claim, values: dict[int, float]) -> bool:
        handle = self._trials[claim.number]
        self._fenced(lambda: self._check_ours(claim))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a resumed trial reports steps again
            for step, value in values.items():
                if math.isfinite(value):
                    self._fenced(lambda s=step, v=value: handle.report(v, s))  # type: ignore[misc]
            self.study._thread_local.cached_all_trials = None
            return bool(patiently(handle.should_prune))

    def _finish(self, claim: Claim, trial: Trial, values: list[float] | None) -> None:
        """Tell the study. Where the answer to a first try was lost, a second one finds it told."""
        states = {
            "complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL
        }  # fmt: skip
        handle, state = self._trials[claim.number], states[trial.state]
        try:
            self.study.tell(handle, values, state=state)
        except ValueError as error:  # it is no longer running
            found = self._store.get_trial(handle._trial_id)
            if found.state != state or (values is not None and found.values != values):
                raise Fenced from error

    def _break_circuit(self) -> None:
        """Stop the sweep when the last trials all failed alike."""
        limit = self.search.max_identical_failures
        ended = [a for a in self.attempts() if a.state.is_finished() and a.datetime_complete]
        last = sorted(ended, key=lambda a: a.datetime_complete)[-limit:]
        errors = {attempt.user_attrs.get(ERROR) for attempt in last}
        if len(last) == limit and len(errors) == 1 and None not in errors:
            self.stop(f"{limit} trials in a row failed alike: {errors.pop()}")
