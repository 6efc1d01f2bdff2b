"""What a sweep leaves behind: finished trials as values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

TrialState = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What one objective call measured.

    Attributes:
        value: Objective, lower is better: the lowest point of ``curve``.
        best_epoch: Epochs trained at that point, from 1.
        curve: Mean over the folds after each epoch.
        fold_curves: The same for each fold by itself.
        scores: Value of each objective of the search, by name.
    """

    value: float
    best_epoch: int
    curve: tuple[float, ...]
    fold_curves: tuple[tuple[float, ...], ...]
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """One finished trial.

    Attributes:
        number: From 0, in the order they were asked for.
        values: Value by settings path.
        state: How it ended.
        outcome: What was measured (up to the pruning), if anything.
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
        """Return the best complete trial but one."""
        others = [t for t in self.trials if t.state == "complete" and t is not self.best]
        return min(others, key=lambda trial: trial.scores[0], default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for a JSON file."""
        return dataclasses.asdict(self)
