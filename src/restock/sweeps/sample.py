"""A sample of the series for the trials of a sweep, like the whole panel in size and intermittency.

What a trial compares, such as two learning rates, shows on some series as well as on all.
"""

from __future__ import annotations

import numpy as np

from restock.types.folds import Folds
from restock.types.panel import DemandPanel, IntArray

ZERO_SHARES = 3  # parts of equal size, from steady to intermittent demand


def sample_series(panel: DemandPanel, folds: Folds, most: int | None) -> IntArray | None:
    """Return the rows of a stratified sample, rising; None where all series are few enough.

    Series are sorted by their share of zeros, in three parts, and by their mean demand in each;
    the sample is spread evenly over that order.

    Args:
        panel: The whole panel. Only periods before the first tuning fold are read.
        folds: The folds, at least one for tuning.
        most: Largest number of series; None: no limit.
    """
    if most is None or panel.num_series <= most:
        return None
    train_end = folds.tuning[0].train_end
    past = np.arange(panel.num_steps) <= train_end[:, None]
    demand = np.where(past, panel.uncensored, np.nan)
    known = np.maximum(np.isfinite(demand).sum(axis=1), 1)
    mean = np.nansum(demand, axis=1) / known
    zeros = (demand == 0).sum(axis=1) / known
    rank = np.argsort(np.argsort(zeros, kind="stable"), kind="stable")
    order = np.lexsort((np.arange(len(mean)), mean, rank * ZERO_SHARES // len(rank)))
    picked = order[np.linspace(0, len(order) - 1, most).round().astype(int)]
    return np.sort(picked)
