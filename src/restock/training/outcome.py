"""The outcome of training one configuration on the tuning folds."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """The losses of one configuration.

    Attributes:
        value: The objective, lower is better: the loss after ``best_epoch``.
        best_epoch: Number of epochs with the lowest loss, from 1.
        curve: Mean loss over the folds after each epoch.
        fold_curves: The same for each single fold.
        scores: Value of each objective of the search, by name.
    """

    value: float
    best_epoch: int
    curve: tuple[float, ...]
    fold_curves: tuple[tuple[float, ...], ...]
    scores: dict[str, float] = field(default_factory=dict)
