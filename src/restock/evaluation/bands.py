"""Losses on tuning folds by band of steps, so that folds of different lengths can be joined.

A short fold knows nothing of late steps. So errors are summed band by band over the folds that have
it, and the bands count as they do in the test: by their number of steps.

Shapes: F folds, B bands, H steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restock.evaluation.metrics import DECILES, level_indices, pinball
from restock.types.folds import Fold
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray

NUM_BANDS = 4  # at most; a fold's origins lie one band apart


def band_of_steps(horizon: int) -> IntArray:
    """Return the band of each step, from 0. Shape ``(H,)``."""
    width = max(horizon // NUM_BANDS, 1)
    return np.minimum(np.arange(horizon) // width, NUM_BANDS - 1)


def fold_sums(forecasts: Sequence[DemandForecast], panel: DemandPanel, fold: Fold) -> FloatArray:
    """Return the sums of quantile loss and of demand, by band of steps, over a fold's origins.

    Args:
        forecasts: One forecast of all series from each origin of the fold.
        panel: The panel with the actuals.
        fold: The fold.

    Returns:
        Sum of the losses and sum of demand; their ratio is the weighted quantile loss. ``(2, B)``.
    """
    horizon = forecasts[0].point.shape[1]
    actuals = [fold.actuals(panel, number, horizon) for number in range(len(forecasts))]
    return np.sum([sums(*pair) for pair in zip(forecasts, actuals, strict=True)], axis=0)


def sums(forecast: DemandForecast, actual: FloatArray) -> FloatArray:
    """Return the sums of quantile loss and of demand, by band of steps.

    Args:
        forecast: The forecast of R rows.
        actual: Actual demand; NaN is not scored. Shape ``(R, H)``.

    Returns:
        See :func:`fold_sums`. Shape ``(2, B)``.
    """
    bands = band_of_steps(actual.shape[1])
    steps = (np.nansum(step_losses(forecast, actual), axis=0), np.nansum(actual, axis=0))
    return np.stack([np.bincount(bands, of_step) for of_step in steps])


def step_losses(forecast: DemandForecast, actual: FloatArray) -> FloatArray:
    """Return the quantile loss of each row and step, mean over the deciles. Shape ``(R, H)``."""
    picked = level_indices(np.asarray(forecast.levels), DECILES)
    return pinball(actual, forecast.quantiles[:, :, picked], DECILES).mean(axis=2)


def loss_of(sums: FloatArray, horizon: int) -> float:
    """Return the loss: of each band, then over the bands by their number of steps.

    Args:
        sums: From :func:`fold_sums`, of one fold or added over several. Shape ``(2, B)``.
        horizon: Periods per forecast, H.

    Returns:
        The weighted quantile loss; NaN if nothing was sold.
    """
    loss, demand = sums
    weights = np.bincount(band_of_steps(horizon)) * (demand > 0)
    if not weights.any():
        return float("nan")
    return float(np.average(loss / np.maximum(demand, 1e-12), weights=weights))
