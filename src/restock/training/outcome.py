"""What training one configuration on the tuning folds has measured."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """What was measured of one configuration.

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
