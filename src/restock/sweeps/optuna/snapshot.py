"""The state of a sweep at one moment, computed from its attempts. Nothing here writes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial, TrialState

from restock.sweeps.keys import ERROR, KNOWN, OUTCOME, RELEASED, SLOT, WORKER
from restock.sweeps.optuna.samplers import tidy
from restock.sweeps.queue import SweepError
from restock.sweeps.results import StudyResult, Trial
from restock.sweeps.spec import SearchRecipe
from restock.tracking.protocol import RunningTrial, SweepProgress
from restock.training.outcome import Outcome

if TYPE_CHECKING:
    from restock.sweeps.keras_tuner import Past

Point = dict[str, Any]


def swept_values(
    settings: SearchRecipe, points: Sequence[Point] | None, attempt: FrozenTrial
) -> dict[str, Any]:
    """Return the values of an attempt, by settings path."""
    if points is not None:
        return dict(points[attempt.user_attrs[SLOT]])
    space = settings.search.space.items()
    return {d.path: tidy(attempt.params[n]) for n, d in space if n in attempt.params}


@dataclass(frozen=True)
class Snapshot:
    """All attempts of a sweep at one moment.

    Attributes:
        name: Name of the sweep.
        settings: The settings that were frozen at launch.
        points: For a grid of whole trainings, the changed settings of each trial; else None.
        max_retries: How often a trial is started again after its worker died.
        attempts: All attempts in the order in which they were queued.
    """

    name: str
    settings: SearchRecipe
    points: Sequence[Point] | None
    max_retries: int
    attempts: Sequence[FrozenTrial]

    @cached_property
    def slots(self) -> dict[int, list[FrozenTrial]]:
        """The attempts at each slot, oldest first."""
        slots: dict[int, list[FrozenTrial]] = {}
        for attempt in self.attempts:
            if SLOT in attempt.user_attrs:
                slots.setdefault(attempt.user_attrs[SLOT], []).append(attempt)
        return dict(sorted(slots.items()))

    @property
    def num_ended(self) -> int:
        """Number of slots that have ended."""
        return sum(map(self.has_ended, self.slots.values()))

    @property
    def parallel(self) -> bool:
        """Whether attempts overlapped in time: with several workers, or after a kill."""
        begun = [attempt for attempt in self.attempts if attempt.datetime_start]
        begun.sort(key=lambda attempt: attempt.datetime_start or datetime.max)
        ends = [attempt.datetime_complete or datetime.max for attempt in begun]
        return any(
            after.datetime_start is not None and after.datetime_start < end
            for end, after in zip(accumulate(ends, max), begun[1:], strict=False)
        )

    def has_ended(self, tried: list[FrozenTrial]) -> bool:
        """Say whether a slot needs no further attempt."""
        return tried[-1].state.is_finished() and not self._is_lost(tried)

    def lost(self) -> list[FrozenTrial]:
        """Return the attempts that ended without a result and must be started again."""
        return [tried[-1] for tried in self.slots.values() if self._is_lost(tried)]

    def _is_lost(self, tried: list[FrozenTrial]) -> bool:
        gone = tried[-1].state == TrialState.FAIL and ERROR not in tried[-1].user_attrs
        died = [a for a in tried if a.state == TrialState.FAIL and RELEASED not in a.user_attrs]
        return gone and len(died) <= self.max_retries

    def trial(self, tried: list[FrozenTrial]) -> Trial:
        """Return the trial of a slot that has ended."""
        last = tried[-1]
        slot, stored = last.user_attrs[SLOT], last.user_attrs.get(OUTCOME)
        values = swept_values(self.settings, self.points, last)
        outcome = _outcome(json.loads(stored)) if stored else None
        if last.state == TrialState.COMPLETE:
            return Trial(slot, values, "complete", outcome, scores=tuple(last.values))
        if last.state == TrialState.PRUNED:
            return Trial(slot, values, "pruned", outcome)
        died = f"its worker died {len(tried)} times (engine.max_retries={self.max_retries})"
        return Trial(slot, values, "failed", None, last.user_attrs.get(ERROR, died))

    def result(self) -> StudyResult:
        """Return the trials that have ended.

        Raises:
            SweepError: If nothing completed.
        """
        ended = [tried for tried in self.slots.values() if self.has_ended(tried)]
        trials = tuple(map(self.trial, ended))
        complete = [trial for trial in trials if trial.state == "complete"]
        if not complete:
            last = trials[-1].error if trials else "no trial was started"
            raise SweepError(f"none of {len(trials)} trials completed. Last: {last}")
        best = min(complete, key=lambda trial: trial.scores[0])
        tuner = self.settings.search.tuner
        return StudyResult(trials, best, self.settings.seed, f"{tuner.name}/{tuner.method}")

    def progress(self, num_trials: int) -> SweepProgress:
        """Return what the terminal shows.

        Args:
            num_trials: Number of slots of the sweep.
        """
        ended = [tried for tried in self.slots.values() if self.has_ended(tried)]
        ended.sort(key=lambda tried: tried[-1].datetime_complete or datetime.max)
        trials = list(map(self.trial, ended))
        complete = [trial for trial in trials if trial.state == "complete"]
        best = min(complete, key=lambda trial: trial.scores[0], default=None)
        running = [t[-1] for t in self.slots.values() if t[-1].state == TrialState.RUNNING]
        left = num_trials - len(ended)
        return SweepProgress(
            self.name,
            num_trials,
            Counter(trial.state for trial in trials),
            list(map(_running, running)),
            (best.number, best.scores[0]) if best else None,
            [(trial.number, trial.state, _said(trial)) for trial in trials],
            _seconds_left([tried[-1] for tried in ended], left, len(running)),
        )

    def history(self) -> list[Past]:
        """Return the trials for Keras Tuner, in the order in which they were proposed."""
        from restock.sweeps.keras_tuner import Past

        history = []
        for slot, tried in self.slots.items():
            asked = next((a for a in tried if a.params), None)
            if asked is None:
                continue
            trial = self.trial(tried) if self.has_ended(tried) else None
            state = "running" if trial is None else trial.state
            score = trial.scores[0] if trial and trial.scores else None
            known = asked.user_attrs.get(KNOWN)
            told: Any = "failed" if state == "pruned" else state
            known = None if known is None else tuple(known)
            history.append(Past(slot, asked.params, told, score, known))
        return history


def _seconds_left(ended: list[FrozenTrial], left: int, num_running: int) -> float | None:
    took = [a.duration.total_seconds() for a in ended if a.duration and OUTCOME in a.user_attrs]
    return left * sum(took) / len(took) / max(num_running, 1) if took else None


def _running(attempt: FrozenTrial) -> RunningTrial:
    values = attempt.intermediate_values
    started = attempt.datetime_start or datetime.now()
    return RunningTrial(
        attempt.user_attrs.get(SLOT, attempt.number),
        max(values, default=0) / 100,
        tuple(values[step] for step in sorted(values)),
        attempt.user_attrs.get(WORKER, "?"),
        (datetime.now() - started).total_seconds(),
    )


def _said(trial: Trial) -> str:
    return f"{trial.outcome.value:.4f}" if trial.outcome else str(trial.error)


def _outcome(content: dict[str, Any]) -> Outcome:
    return Outcome(
        content["value"],
        content.get("steps") or content["best_epoch"],
        tuple(content["curve"]),
        tuple(map(tuple, content["fold_curves"])),
        content.get("name", "wql"),  # an earlier version knew no other
        tuple(content.get("lengths", ())),
        content["scores"],
    )
