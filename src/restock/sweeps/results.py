"""The result of a sweep: its finished trials."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from restock.training.outcome import Outcome

TrialState = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One finished trial.

    Attributes:
        number: Number of the trial, from 0.
        values: Values by settings path.
        state: How it ended.
        outcome: The losses, up to the pruning for a pruned trial; None for a failed one.
        error: Why it failed.
        scores: Value of each objective, in the order of the search; empty unless complete.
    """

    number: int
    values: dict[str, Any]
    state: TrialState
    outcome: Outcome | None
    error: str | None = None
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class StudyResult:
    """A finished sweep. ``best`` is a completed trial."""

    trials: tuple[Trial, ...]
    best: Trial
    seed: int
    sampler: str

    def __post_init__(self) -> None:
        """Refuse a best trial that did not complete."""
        assert self.best.state == "complete"
        assert self.best.outcome is not None

    def second(self) -> Trial | None:
        """Return the second best of the complete trials."""
        others = [t for t in self.trials if t.state == "complete" and t is not self.best]
        return min(others, key=lambda trial: trial.scores[0], default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for a JSON file."""
        return dataclasses.asdict(self)

    def why(self) -> str:
        """Say in one line which trial is best, and by how much."""
        best, second = self.best, self.second()
        assert best.outcome is not None
        shown = ", ".join(f"{path}={value}" for path, value in best.values.items())
        loss = f"{best.outcome.name} {best.outcome.value:.4f}"
        said = f"best is trial {best.number}: {loss} with {shown}"
        if second is None or second.outcome is None:
            return f"{said}; no other trial completed"
        margin = second.outcome.value / best.outcome.value - 1
        return f"{said}; {margin:.1%} below trial {second.number}, of {len(self.trials)} trials"

    def table(self) -> pd.DataFrame:
        """Return one row per trial: state, losses, steps and swept values."""
        assert self.best.outcome is not None
        loss = self.best.outcome.name
        return pd.DataFrame([_row(trial, loss) for trial in self.trials])


def _row(trial: Trial, loss: str) -> dict[str, Any]:
    outcome = trial.outcome
    measured: dict[str, Any] = {loss: None}
    if outcome is not None:
        measured = {loss: outcome.value, **outcome.trained, **outcome.others}
    return {"trial": trial.number, "state": trial.state, **measured, **trial.values}
