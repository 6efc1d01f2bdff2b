"""A worker's queue, stored in the study of a sweep. See :class:`sweeps.queue.Queue`."""

from __future__ import annotations

import json
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from restock.sweeps.keys import ERROR, OUTCOME, RELEASED, RESUMES, RETRIES, SHARE, SLOT, WORKER
from restock.sweeps.optuna import samplers as adapters
from restock.sweeps.optuna.database import patiently, study_lock
from restock.sweeps.optuna.snapshot import swept_values
from restock.sweeps.optuna.study import OpenStudy, fenced
from restock.sweeps.queue import Claim, Fenced
from restock.sweeps.results import Trial
from restock.training.outcome import Measured, Outcome

QUEUED_AT_ONCE = 16  # slots


class OptunaQueue:
    """Claims attempts of one study, for one worker."""

    def __init__(self, opened: OpenStudy) -> None:
        """Use a study that is open."""
        self.opened, self.study = opened, opened.study
        self.search, self.engine = opened.settings.search, opened.engine
        self.study.pruner = adapters.make_pruner(self.search.tuner)
        self._study_id = opened.storage.get_study_id_from_name(opened.sweep.name)
        # It reads Optuna's cache instead of the whole table each time.
        self._store = self.study._storage
        self._trials: dict[int, optuna.trial.Trial] = {}

    def claim(self, worker: str) -> Claim | None:
        """Claim a waiting attempt. If none waits, queue more. None: there is nothing to claim."""
        while True:
            taken = patiently(lambda: self._take(worker))
            if taken is not None:
                return patiently(partial(self._begin, taken))
            if not patiently(self._queue_more):
                return None

    @contextmanager
    def alive(self, claim: Claim) -> Iterator[None]:
        """Record a heartbeat every few seconds, from a thread that stops with the process."""
        done = threading.Event()
        trial_id = self._trials[claim.number]._trial_id

        def beat() -> None:
            while not done.wait(self.engine.heartbeat):
                try:
                    self.opened.storage.record_heartbeat(trial_id)
                except Exception:  # noqa: S112 - the next one may succeed; else it is fenced
                    continue
            self.opened.storage.remove_session()  # each thread has its own

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(timeout=self.engine.heartbeat)
            self._trials.pop(claim.number, None)

    def report(self, claim: Claim, found: Measured) -> bool:
        """Record a loss. The pruner never gets a value that is not finite."""
        if len(self.search.objectives) > 1:
            return False
        if self.search.tuner.pruner == "wilcoxon":
            fenced(lambda: self._check_ours(claim))
            return False
        return self._intermediate(claim, {adapters.percent(found.share): found.loss})

    def judge(self, claim: Claim, outcome: Outcome) -> bool:
        """Compare the folds of a finished trial with those of the best one (Wilcoxon's test)."""
        if self.search.tuner.pruner != "wilcoxon":
            return False
        at = outcome.curve.index(outcome.value)
        return self._intermediate(
            claim, {fold: curve[at] for fold, curve in enumerate(outcome.fold_curves)}
        )

    def tell(self, claim: Claim, trial: Trial) -> None:
        """Record how an attempt ended."""
        handle = self._trials[claim.number]
        values = None
        if trial.state == "complete":
            assert trial.outcome is not None
            scores = trial.outcome.scores or {"loss": trial.outcome.value}
            values = [scores[name] for name in self.search.objectives]

        def write() -> None:
            if trial.outcome is not None:
                handle.set_user_attr(OUTCOME, json.dumps(asdict(trial.outcome)))
            if trial.error is not None:
                handle.set_user_attr(ERROR, trial.error[:2000])

        fenced(write)
        fenced(lambda: self._finish(claim, trial, values))
        self._break_circuit()

    def release(self, claim: Claim) -> None:
        """Release an attempt: it does not count as failed, and another worker may claim it."""
        handle = self._trials[claim.number]
        try:
            fenced(lambda: handle.set_user_attr(RELEASED, True))
            fenced(lambda: self.study.tell(handle, state=TrialState.FAIL))
        except Fenced:
            return
        self.opened.requeue_lost()

    def is_done(self) -> bool:
        """Say whether every slot has ended."""
        return self.opened.is_done()

    def stopped(self) -> str | None:
        """Return why no more trials should be started."""
        return self.opened.stopped()

    def _take(self, worker: str) -> int | None:
        """Take a waiting attempt. A heartbeat comes first: without any, it could never expire."""
        waiting = self._store.get_all_trials(
            self._study_id, deepcopy=False, states=(TrialState.WAITING,)
        )
        for attempt in sorted(waiting, key=lambda a: a.user_attrs.get(SLOT, a.number)):
            try:
                self.opened.storage.record_heartbeat(attempt._trial_id)
                if self._store.set_trial_state_values(attempt._trial_id, state=TrialState.RUNNING):
                    self._store.set_trial_user_attr(attempt._trial_id, WORKER, worker)
                    return int(attempt._trial_id)
            except UpdateFinishedTrialError:
                continue
        return None

    def _begin(self, trial_id: int) -> Claim:
        """Let values be proposed for a taken attempt, and return the claim."""
        attempt = self._store.get_trial(trial_id)
        handle = self.opened.proposals.propose(attempt, self.opened.snapshot)
        self._trials[attempt.number] = handle
        fresh = self._store.get_trial(trial_id)
        return Claim(
            attempt.user_attrs[SLOT],
            attempt.number,
            swept_values(self.opened.settings, self.opened.sweep.points, fresh),
            fresh.user_attrs.get(SHARE),
            attempt.user_attrs.get(RETRIES),
            fresh.user_attrs.get(RESUMES),
        )

    def _queue_more(self) -> bool:
        """Queue new slots if none waits; return whether any waits now."""
        self.opened.reap()
        with study_lock(self.opened.url):
            slots = self.opened.snapshot().slots
            if any(tried[-1].state == TrialState.WAITING for tried in slots.values()):
                return True
            proposals = self.opened.proposals
            new = range(len(slots), min(len(slots) + QUEUED_AT_ONCE, self.opened.num_trials))
            for slot in new:
                proposals.enqueue(proposals.first(slot), {SLOT: slot})
            return bool(new)

    def _check_ours(self, claim: Claim) -> None:
        if self._store.get_trial(self._trials[claim.number]._trial_id).state.is_finished():
            raise Fenced

    def _intermediate(self, claim: Claim, values: dict[int, float]) -> bool:
        handle = self._trials[claim.number]
        fenced(lambda: self._check_ours(claim))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a resumed trial reports steps again
            for step, value in values.items():
                if math.isfinite(value):
                    fenced(lambda s=step, v=value: handle.report(v, s))  # type: ignore[misc]
            self.study._thread_local.cached_all_trials = None
            return bool(patiently(handle.should_prune))

    def _finish(self, claim: Claim, trial: Trial, values: list[float] | None) -> None:
        """Tell the study. If the reply to an earlier try was lost, the result is already there."""
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
        """Stop the sweep if the last trials all failed with the same error."""
        limit = self.search.max_identical_failures
        ended = [a for a in self.opened.attempts() if a.state.is_finished() and a.datetime_complete]
        last = sorted(ended, key=lambda a: a.datetime_complete)[-limit:]
        errors = {attempt.user_attrs.get(ERROR) for attempt in last}
        if len(last) == limit and len(errors) == 1 and None not in errors:
            self.opened.stop(f"{limit} trials in a row failed with the same error: {errors.pop()}")
