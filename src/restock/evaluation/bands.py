"""Losses on tuning folds by band of steps, so that folds of different lengths can be joined.

A short fold knows nothing of late steps. So errors are summed band by band over the folds that have
it, and the bands count as they do in the test: by their number of steps. The loss is the one that
`evaluation.loss` names.

Shapes: F folds, B bands, H steps, R rows (a series at one origin).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from restock.evaluation.metrics import DECILES, level_indices, naive_scales, pinball
from restock.settings.evaluation import LossName, LossSettings
from restock.types.folds import Fold
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray

FLOOR = 0.05  # quantile of the scales: a series that hardly moved must not decide a mean
NUM_BANDS = 4  # at most; a fold's origins lie one band apart


def band_of_steps(horizon: int) -> IntArray:
    """Return the band of each step, from 0. Shape ``(H,)``."""
    width = max(horizon // NUM_BANDS, 1)
    return np.minimum(np.arange(horizon) // width, NUM_BANDS - 1)


@dataclass(frozen=True)
class Rows:
    """Actual demand of some rows, and how their errors count in the loss.

    The loss of a band of steps is a ratio of two sums: of quantile losses times ``weight``, and of
    ``base``.

    Attributes:
        loss: Name of the loss.
        actual: Actual demand; NaN is not scored. Shape ``(R, H)``.
        weight: 1 for ``wql``; 1 / scale for ``sql``, or 0 for a series without one. ``(R,)``.
    """

    loss: LossName
    actual: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, settings: LossSettings, panel: DemandPanel, fold: Fold, horizon: int) -> list[Rows]:
        """Return the rows of each origin of a fold: all series.

        Args:
            settings: The loss.
            panel: The whole panel; nothing after the fold's ``target_end`` is read.
            fold: The fold.
            horizon: Periods per forecast, H.
        """
        rows = []
        for number, origins in enumerate(fold.origins):
            actual = fold.actuals(panel, number, horizon)
            weight = np.ones(len(actual))
            if settings.loss == "sql":
                scale = naive_scales(panel.uncensored, origins, settings.seasonal_period)[0]
                weight = np.nan_to_num(1.0 / floored(scale))
            rows.append(cls(settings.loss, actual, weight))
        return rows

    @property
    def base(self) -> FloatArray:
        """Demand for ``wql``, 1 for ``sql``; 0 where nothing is scored. Shape ``(R, H)``."""
        if self.loss == "wql":
            return np.nan_to_num(self.actual)
        return np.isfinite(self.actual) * (self.weight > 0)[:, None].astype(float)

    def take(self, rows: IntArray) -> Rows:
        """Return some rows."""
        return Rows(self.loss, self.actual[rows], self.weight[rows])

    @classmethod
    def stacked(cls, parts: Sequence[Rows]) -> Rows:
        """Join rows."""
        actual, weight = (
            np.concatenate([getattr(p, name) for p in parts]) for name in ("actual", "weight")
        )
        return cls(parts[0].loss, actual, weight)


def floored(scale: FloatArray) -> FloatArray:
    """Raise the scales of a panel to their 5th percentile. NaN stays NaN. Shape ``(N,)``."""
    known = scale[np.isfinite(scale)]
    return np.maximum(scale, np.quantile(known, FLOOR)) if known.size else scale


def sums(forecast: DemandForecast, rows: Rows) -> FloatArray:
    """Return the two sums whose ratio is the loss, by band of steps.

    Args:
        forecast: The forecast of the rows.
        rows: Actual demand.

    Returns:
        Sum of the weighted quantile losses and of the base. Shape ``(2, B)``.
    """
    bands = band_of_steps(rows.actual.shape[1])
    losses = step_losses(forecast, rows.actual) * rows.weight[:, None]
    steps = (np.nansum(losses, axis=0), rows.base.sum(axis=0))
    return np.stack([np.bincount(bands, of_step) for of_step in steps])


def step_losses(forecast: DemandForecast, actual: FloatArray) -> FloatArray:
    """Return the quantile loss of each row and step, mean over the deciles. Shape ``(R, H)``."""
    picked = level_indices(np.asarray(forecast.levels), DECILES)
    return pinball(actual, forecast.quantiles[:, :, picked], DECILES).mean(axis=2)


def loss_of(sums: FloatArray, horizon: int) -> float:
    """Return the loss: of each band, then over the bands by their number of steps.

    Args:
        sums: From :func:`sums`, of one origin or added over several. Shape ``(2, B)``.
        horizon: Periods per forecast, H.

    Returns:
        The loss; NaN if nothing is scored, or nothing was sold and the loss is ``wql``.
    """
    loss, base = sums
    weights = np.bincount(band_of_steps(horizon)) * (base > 0)
    if not weights.any():
        return float("nan")
    return float(np.average(loss / np.maximum(base, 1e-12), weights=weights))
