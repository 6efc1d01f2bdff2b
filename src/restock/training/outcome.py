"""The outcome of training one configuration on the tuning folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from restock.settings.evaluation import LossName


@dataclass(frozen=True)
class Measured:
    """The losses on the tuning folds at one length.

    Attributes:
        steps: The length, in gradient steps.
        share: The same as a share of the budget.
        loss: Loss over the folds.
        by_fold: Loss of each single fold.
        name: Which loss.
    """

    steps: int
    share: float
    loss: float
    by_fold: tuple[float, ...]
    name: LossName


@dataclass(frozen=True)
class Outcome:
    """The losses of one configuration.

    Attributes:
        value: The objective, lower is better: the loss after ``steps``.
        steps: Number of gradient steps with the lowest loss; for a sweep of an earlier version,
            the number of its epochs.
        curve: Loss over the folds at each length.
        fold_curves: The same for each single fold.
        name: Which loss.
        lengths: The lengths, in gradient steps; empty for a sweep of an earlier version.
        scores: Value of each objective of the search, by name.
    """

    value: float
    steps: int
    curve: tuple[float, ...]
    fold_curves: tuple[tuple[float, ...], ...]
    name: LossName
    lengths: tuple[int, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, measured: Sequence[Measured]) -> Outcome:
        """Return the outcome of a training that was measured at some lengths: that of the best."""
        best = min(measured, key=lambda one: one.loss)
        return cls(
            best.loss,
            best.steps,
            tuple(one.loss for one in measured),
            tuple(zip(*(one.by_fold for one in measured), strict=True)),
            best.name,
            tuple(one.steps for one in measured),
        )

    @property
    def others(self) -> dict[str, float]:
        """What was measured besides the loss, which earlier versions called ``wql`` here."""
        return {name: v for name, v in self.scores.items() if name not in ("loss", "wql")}

    @property
    def trained(self) -> dict[str, int]:
        """How long the best training was, by its unit."""
        return {"steps" if self.lengths else "epochs": self.steps}
