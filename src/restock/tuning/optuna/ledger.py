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
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from restock.config import EngineSettings, KerasTunerSettings, value_at
from restock.seeding import child_seed
from restock.tuning.names import (
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
from restock.tuning.optuna import sampler as adapters
from restock.tuning.optuna.database import open_storage, patiently, study_lock
from restock.tuning.results import Outcome, StudyResult, Trial
from restock.tuning.study import Claim, Fenced, SweepError
from restock.tuning.sweep import Sweep
from restock.types.tracking import RunningTrial, SweepView

if TYPE_CHECKING:
    from restock.tuning.keras_tuner import Past

QUEUE = 16  # slots are queued so many at a time
# Samplers that count on one stream of random numbers for the whole study.
ONE_STREAM = ("qmc",)


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
        self.points = self._grid()
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
        slots = self.slots()
        return len(slots) >= self.num_trials and all(
            self._ended(attempts) for attempts in slots.values()
        )

    def stopped(self) -> str | None:
        """Return why no more trials should be started."""
        return patiently(lambda: self.study.user_attrs.get(STOP))

    # What the launcher and other commands do.

    @property
    def num_trials(self) -> int:
        """Slots of the sweep."""
        wanted = int(patiently(lambda: self.study.user_attrs[NUM_TRIALS]))
        return wanted if self.points is None else min(wanted, len(self.points))

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
        return sum(map(self._ended, self.slots().values()))

    def attempts(self) -> list[FrozenTrial]:
        """Return all attempts in the order they were queued."""
        self.study._thread_local.cached_all_trials = None
        return patiently(lambda: self.study.get_trials(deepcopy=False))

    def slots(self) -> dict[int, list[FrozenTrial]]:
        """Return the attempts at each slot, oldest first."""
        slots: dict[int, list[FrozenTrial]] = {}
        for attempt in self.attempts():
            if SLOT in attempt.user_attrs:
                slots.setdefault(attempt.user_attrs[SLOT], []).append(attempt)
        return dict(sorted(slots.items()))

    def result(self) -> StudyResult:
        """Return the trials that have ended.

        Raises:
            SweepError: If nothing completed.
        """
        ended = {s: a for s, a in self.slots().items() if self._ended(a)}
        trials = tuple(self._trial(slot, attempts) for slot, attempts in ended.items())
        complete = [trial for trial in trials if trial.state == "complete"]
        if not complete:
            last = trials[-1].error if trials else "no trial was started"
            raise SweepError(f"none of {len(trials)} trials completed. Last: {last}")
        best = min(complete, key=lambda trial: trial.scores[0])
        tuner = self.search.tuner
        shown = tuner.oracle if isinstance(tuner, KerasTunerSettings) else tuner.sampler
        return StudyResult(trials, best, self.settings.seed, f"{tuner.name}/{shown}")

    def view(self) -> SweepView:
        """Return how the sweep stands."""
        slots = self.slots()
        ended = [(s, t) for s, t in slots.items() if self._ended(t)]
        ended.sort(key=lambda item: item[1][-1].datetime_complete or datetime.max)
        trials = [self._trial(slot, tried) for slot, tried in ended]
        complete = [trial for trial in trials if trial.state == "complete"]
        best = min(complete, key=lambda trial: trial.scores[0], default=None)
        running = [t[-1] for t in slots.values() if t[-1].state == TrialState.RUNNING]
        return SweepView(
            self.sweep.name,
            self.num_trials,
            Counter(trial.state for trial in trials),
            [_running(attempt) for attempt in running],
            (best.number, best.scores[0]) if best else None,
            [(trial.number, trial.state, _said(trial)) for trial in trials],
            self._seconds_left([tried[-1] for _, tried in ended], len(running)),
        )

    def _seconds_left(self, ended: list[FrozenTrial], num_running: int) -> float | None:
        took = [a.duration.total_seconds() for a in ended if a.duration and OUTCOME in a.user_attrs]
        if not took:
            return None
        left = self.num_trials - len(ended)
        return left * sum(took) / len(took) / max(num_running, 1)

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
        slot = attempt.user_attrs[SLOT]
        tuner = self.search.tuner
        if self.sweep.points is not None:
            handle = patiently(lambda: optuna.trial.Trial(self.study, trial_id))
        elif isinstance(tuner, KerasTunerSettings):
            with study_lock(self.url):  # what one worker is given, another one must know of
                handle = self._suggest(trial_id, self._oracle(attempt, slot, tuner))
        else:
            purpose = ("sampler",) if tuner.sampler in ONE_STREAM else ("sampler", slot)
            seed = child_seed(self.settings.seed, *purpose)
            handle = self._suggest(trial_id, adapters.make_sampler(tuner, seed))
        self._trials[attempt.number] = handle
        fresh = self._store.get_trial(trial_id)
        return Claim(
            slot,
            attempt.number,
            self._values(slot, fresh),
            fresh.user_attrs.get(EPOCHS),
            attempt.user_attrs.get(RETRIES),
            fresh.user_attrs.get(RESUMES),
        )

    def _suggest(self, trial_id: int, sampler: optuna.samplers.BaseSampler) -> optuna.trial.Trial:
        self.study.sampler = sampler
        self.study._thread_local.cached_all_trials = None
        handle: optuna.trial.Trial = patiently(lambda: optuna.trial.Trial(self.study, trial_id))
        for name, distribution in adapters.distributions(self.search).items():
            patiently(lambda n=name, d=distribution: handle._suggest(n, d))  # type: ignore[misc]
        return handle

    def _oracle(
        self, attempt: FrozenTrial, slot: int, tuner: KerasTunerSettings
    ) -> optuna.samplers.BaseSampler:
        """Ask Keras Tuner, unless the values are settled: configured, or tried before."""
        from restock.tuning.keras_tuner import propose
        from restock.tuning.optuna.oracle import ProposedSampler

        space = adapters.distributions(self.search)
        if attempt.system_attrs.get("fixed_params"):
            return ProposedSampler({}, space)
        history = self._history()
        proposal = propose(
            tuner.oracle,
            self.search.space,
            history,
            slot=slot,
            seed=self.settings.seed,
            max_epochs=self.settings.training.max_epochs,
        )
        known = [past.slot for past in history if past.state != "running"]
        notes = {KNOWN: known, EPOCHS: proposal.epochs, RESUMES: proposal.resumes}
        for key, value in notes.items():
            if value is not None:
                self._store.set_trial_user_attr(attempt._trial_id, key, value)
        return ProposedSampler(proposal.values, space)

    def _history(self) -> list[Past]:
        """Return what Keras Tuner is to know, in the order in which it was proposed."""
        from restock.tuning.keras_tuner import Past

        history = []
        for slot, tried in self.slots().items():
            asked = next((a for a in tried if a.params), None)
            if asked is None:
                continue
            trial = self._trial(slot, tried) if self._ended(tried) else None
            state = "running" if trial is None else trial.state
            score = trial.scores[0] if trial and trial.scores else None
            known = asked.user_attrs.get(KNOWN)
            told: Any = "failed" if state == "pruned" else state
            known = None if known is None else tuple(known)
            history.append(Past(slot, asked.params, told, score, known))
        return history

    def _queue(self) -> bool:
        """Queue new slots where none waits any more; return whether any waits now."""
        self.reap()
        with study_lock(self.url):
            slots = self.slots()
            if any(tried[-1].state == TrialState.WAITING for tried in slots.values()):
                return True
            new = range(len(slots), min(len(slots) + QUEUE, self.num_trials))
            for slot in new:
                self._enqueue(self._first_values(slot), {SLOT: slot})
            return bool(new)

    def _queue_lost(self) -> None:
        """Queue the slots whose last attempt ended without a result."""

        def queue() -> None:
            with study_lock(self.url):  # by one process: it looks again
                for tried in self.slots().values():
                    if self._is_to_retry(tried):
                        self._retry(tried[-1])

        if any(map(self._is_to_retry, self.slots().values())):
            patiently(queue)

    def _retry(self, attempt: FrozenTrial) -> None:
        """Queue a slot again with the values it had."""
        kept = {k: v for k, v in attempt.user_attrs.items() if k in (SLOT, EPOCHS, RESUMES, KNOWN)}
        fixed = attempt.params or attempt.system_attrs.get("fixed_params", {})
        self._enqueue(fixed, {**kept, RETRIES: attempt.number})

    def _enqueue(self, values: dict[str, Any], attributes: dict[str, Any]) -> None:
        if self.sweep.points is None:
            self.study.enqueue_trial(values, user_attrs=attributes)
            return
        point = self.sweep.points[attributes[SLOT]]
        self.study.add_trial(
            optuna.create_trial(
                state=TrialState.WAITING,
                params={path: _plain(value) for path, value in point.items()},
                distributions=self._point_distributions(),
                user_attrs=attributes,
            )
        )

    def _point_distributions(self) -> dict[str, optuna.distributions.BaseDistribution]:
        """Return the values of a grid of whole trainings as choices, for the plots."""
        assert self.sweep.points is not None
        choices: dict[str, dict[Any, None]] = {}
        for point in self.sweep.points:
            for path, value in point.items():
                choices.setdefault(path, {})[_plain(value)] = None
        kind = optuna.distributions.CategoricalDistribution
        return {path: kind(tuple(found)) for path, found in choices.items()}

    def _first_values(self, slot: int) -> dict[str, Any]:
        """Return what is not left to the sampler: grid points, and the configured values first."""
        if self.points is not None:
            return self.points[slot]
        if slot:
            return {}
        return {n: value_at(self.settings, d.path) for n, d in self.search.space.items()}

    def _grid(self) -> list[dict[str, Any]] | None:
        if self.sweep.points is not None:
            return list(self.sweep.points)
        if getattr(self.search.tuner, "sampler", None) == "grid":
            return adapters.grid_points(self.search)
        return None

    def _values(self, slot: int, attempt: FrozenTrial) -> dict[str, Any]:
        if self.sweep.points is not None:
            return dict(self.sweep.points[slot])
        space = self.search.space.items()
        return {d.path: adapters.tidy(attempt.params[n]) for n, d in space if n in attempt.params}

    def _is_to_retry(self, tried: list[FrozenTrial]) -> bool:
        gone = tried[-1].state == TrialState.FAIL and ERROR not in tried[-1].user_attrs
        return gone and not self._given_up(tried)

    def _given_up(self, tried: list[FrozenTrial]) -> bool:
        lost = [a for a in tried if a.state == TrialState.FAIL and RELEASED not in a.user_attrs]
        return len(lost) > self.engine.max_retries

    def _ended(self, tried: list[FrozenTrial]) -> bool:
        return tried[-1].state.is_finished() and not self._is_to_retry(tried)

    def _trial(self, slot: int, tried: list[FrozenTrial]) -> Trial:
        last = tried[-1]
        values = self._values(slot, last)
        stored = last.user_attrs.get(OUTCOME)
        outcome = _outcome(json.loads(stored)) if stored else None
        if last.state == TrialState.COMPLETE:
            return Trial(slot, values, "complete", outcome, scores=tuple(last.values))
        if last.state == TrialState.PRUNED:
            return Trial(slot, values, "pruned", outcome)
        lost = f"its worker died {len(tried)} times (engine.max_retries={self.engine.max_retries})"
        return Trial(slot, values, "failed", None, last.user_attrs.get(ERROR, lost))

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


def _plain(value: Any) -> Any:
    """Return a value as a choice may be: a number, a truth value, or text."""
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _running(attempt: FrozenTrial) -> RunningTrial:
    values = attempt.intermediate_values
    started = attempt.datetime_start or datetime.now()
    return RunningTrial(
        attempt.user_attrs.get(SLOT, attempt.number),
        tuple(values[step] for step in sorted(values)),
        attempt.user_attrs.get(WORKER, "?"),
        (datetime.now() - started).total_seconds(),
    )


def _said(trial: Trial) -> str:
    return f"{trial.outcome.value:.4f}" if trial.outcome else str(trial.error)


def _outcome(content: dict[str, Any]) -> Outcome:
    return Outcome(
        content["value"],
        content["best_epoch"],
        tuple(content["curve"]),
        tuple(map(tuple, content["fold_curves"])),
        content["scores"],
    )
