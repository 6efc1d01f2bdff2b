"""The learning rate over gradient steps, so that one training measures several lengths.

The rate rises, stays the same along a *trunk*, and falls on a *branch* to each length. After a
branch, the training returns to the trunk. So every network that is scored or used has ended with a
small rate, whatever its length (warm-up, stable, decay; Hu et al., 2024; Hägele et al., 2024).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restock.settings.training import TrainingSettings
from restock.types.panel import DemandPanel, IntArray

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)  # of the budget: the lengths that are measured
DECAY = 0.3  # share of a length in which the rate falls
WARM_UP = 0.2  # share of the shortest length in which it rises
PER_STEP = 200  # known periods of demand for which the budget gets one step more
LEAST, MOST = 160, 2_560  # steps of a budget that follows the panel


@dataclass(frozen=True)
class Schedule:
    """The learning rate as a factor, for every length that may be used.

    Attributes:
        lengths: Gradient steps at which networks are measured, rising.
        warm_up: Number of first steps in which the rate rises.
    """

    lengths: tuple[int, ...]
    warm_up: int

    @classmethod
    def up_to(cls, max_steps: int) -> Schedule:
        """Return the schedule of a budget: lengths that double, up to all of it."""
        lengths = sorted({max(round(share * max_steps), 1) for share in SHARES})
        return cls(tuple(lengths), max(round(WARM_UP * lengths[0]), 1))

    def only(self, length: int) -> Schedule:
        """Return the schedule of the same training that measures one length alone."""
        return replace(self, lengths=(length,))

    def part(self, share: float) -> Schedule:
        """Return the schedule of the same training that ends after a share of the budget."""
        last = max(round(share * self.lengths[-1]), 1)
        return replace(self, lengths=(*(own for own in self.lengths if own < last), last))

    def branch(self, length: int) -> int:
        """Return the step after which the rate falls towards a length."""
        return length - max(round(DECAY * length), 1)

    def rate(self, step: int, length: int) -> float:
        """Return the factor of the learning rate in one step of a training that ends at a length.

        Args:
            step: Number of the step, from 0.
            length: Number of steps of the whole training.
        """
        rising = min((step + 1) / self.warm_up, 1.0)
        branch = self.branch(length)
        falling = 1.0 if step < branch else 1 - (step - branch) / (length - branch)
        return rising * falling

    def total(self, last: int) -> int:
        """Return the steps of a training that measures every length up to ``last``."""
        measured = [length for length in self.lengths if length <= last]
        return self.branch(last) + sum(length - self.branch(length) for length in measured)


def budget(settings: TrainingSettings, panel: DemandPanel, train_end: IntArray) -> Schedule:
    """Return the schedule of the configured budget, or of one that follows the panel.

    Args:
        settings: With ``max_steps``; null: it follows from the known periods of demand.
        panel: The whole panel; nothing after ``train_end`` is read.
        train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.
    """
    if settings.max_steps is not None:
        return Schedule.up_to(settings.max_steps)
    before = np.arange(panel.num_steps) <= train_end[:, None]
    known = int(np.count_nonzero(before & panel.in_stock & np.isfinite(panel.demand)))
    return Schedule.up_to(min(max(known // PER_STEP, LEAST), MOST))
