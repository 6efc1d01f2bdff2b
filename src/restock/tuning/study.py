"""The tuning loop is ours: ask, run, tell. Samplers and pruners are adapters behind a protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from restock.config import SearchSettings
from restock.errors import RestockError
from restock.tuning.results import Outcome, StudyResult, Trial
from restock.types.tracking import Console, Tracker

Report = Callable[[int, float], None]
Objective = Callable[[dict[str, Any], Report], Outcome]


# What training may raise because of the values it was given.
FAILURES = (ArithmeticError, ValueError, MemoryError, RuntimeError)


class Pruned(Exception):  # noqa: N818 - a signal, not an error
    """The trial was stopped because it is worse than others at the same epoch."""


class Suggestion(Protocol):
    """One trial in progress at the sampler."""

    number: int
    values: dict[str, Any]

    def report(self, step: int, value: float) -> bool:
        """Record an intermediate value; return whether the trial should be pruned."""
        ...


S = TypeVar("S", bound=Suggestion)


class Sampler(Protocol[S]):
    """Proposes values and learns from what is told."""

    def ask(self) -> S:
        """Propose the next trial."""
        ...

    def tell(self, suggestion: S, trial: Trial) -> None:
        """Learn how it ended."""
        ...


class SweepError(RestockError):
    """No trial completed, or the same failure came back too often."""


def run_study(
    sampler: Sampler[S],
    objective: Objective,
    search: SearchSettings,
    *,
    seed: int,
    tracker: Tracker,
    console: Console,
) -> StudyResult:
    """Run ``search.num_trials`` trials, one after the other, and return them all.

    A failed trial is logged and counted; the sweep goes on, until the same failure came
    ``search.max_identical_failures`` times in a row.

    Raises:
        SweepError: If nothing completed or the circuit broke.
    """
    trials: list[Trial] = []
    with console.progress("tuning", search.num_trials) as progress:
        while len(trials) < search.num_trials:
            suggestion = sampler.ask()
            trial = _run_trial(suggestion, objective, tracker)
            sampler.tell(suggestion, trial)
            trials.append(trial)
            progress.advance(_line(trial, trials))
            _check_circuit(trials, search.max_identical_failures)
    complete = [trial for trial in trials if trial.outcome and trial.state == "complete"]
    if not complete:
        raise SweepError(f"none of {len(trials)} trials completed. Last: {trials[-1].error}")
    best = min(complete, key=_value)
    return StudyResult(tuple(trials), best, seed, search.sampler)


def _run_trial(suggestion: Suggestion, objective: Objective, tracker: Tracker) -> Trial:
    """Run one trial as a nested run; whatever it raises becomes its state, never the sweep's."""
    number, values = suggestion.number, suggestion.values
    curve: list[float] = []

    def run_in(run: Tracker) -> Trial:
        run.log_params(values)

        def report(step: int, value: float) -> None:
            curve.append(value)
            run.log_metrics({"wql": value}, step=step)
            if suggestion.report(step, value):
                raise Pruned

        try:
            return Trial(number, values, "complete", objective(values, report))
        except Pruned:
            best = min(range(len(curve)), key=curve.__getitem__)
            partial = Outcome(curve[best], best + 1, tuple(curve), ())
            return Trial(number, values, "pruned", partial)

    try:
        with tracker.child(f"trial {number}") as run:
            try:
                trial = run_in(run)
            except FAILURES as error:
                trial = Trial(number, values, "failed", None, f"{type(error).__name__}: {error}")
                _log_end(run, trial)
                raise  # so that its run ends as failed
            _log_end(run, trial)
    except FAILURES:
        assert trial.state == "failed"
    return trial


def _log_end(run: Tracker, trial: Trial) -> None:
    run.set_tags(
        {"restock.state": trial.state, **({"restock.error": trial.error} if trial.error else {})}
    )
    if trial.outcome is not None:
        run.log_metrics({"best_wql": trial.outcome.value, "best_epoch": trial.outcome.best_epoch})
        for number, curve in enumerate(trial.outcome.fold_curves):
            for step, value in enumerate(curve):
                run.log_metrics({f"wql_fold_{number}": value}, step=step)


def _check_circuit(trials: list[Trial], limit: int) -> None:
    last = trials[-limit:]
    errors = {trial.error for trial in last}
    if len(last) == limit and len(errors) == 1 and last[0].state == "failed":
        raise SweepError(
            f"the sweep stopped: {limit} trials in a row failed alike: {last[0].error}"
        )


def _value(trial: Trial) -> float:
    assert trial.outcome is not None
    return trial.outcome.value


def _line(trial: Trial, trials: list[Trial]) -> str:
    complete = [t for t in trials if t.state == "complete"]
    best = f"best {min(map(_value, complete)):.4f}" if complete else "none complete"
    shown = f"{_value(trial):.4f}" if trial.outcome else str(trial.error)
    return f"trial {trial.number} {trial.state} {shown} ({best})"
