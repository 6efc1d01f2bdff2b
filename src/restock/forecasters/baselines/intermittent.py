"""Point forecasts of intermittent demand: size and timing of demand are smoothed separately.

Arguments and shapes are as in points.py. NaN means unknown and changes nothing.
"""

from __future__ import annotations

import numpy as np

from restock.features.history import carried_forward
from restock.types.panel import FloatArray


def croston(demand: FloatArray, horizon: int, first: int = 0, *, smoothing: float) -> FloatArray:
    """Smoothed size of a demand over the smoothed interval between demands (Croston, 1972)."""
    size = np.full(len(demand), np.nan)
    interval = np.full(len(demand), np.nan)
    waited = np.ones(len(demand))
    rates = np.empty_like(demand)
    for step in range(demand.shape[1]):
        value = demand[:, step]
        hit = value > 0
        size = np.where(hit, _smooth(size, value, smoothing), size)
        interval = np.where(hit, _smooth(interval, waited, smoothing), interval)
        waited = np.where(hit, 1.0, waited + np.isfinite(value))
        rates[:, step] = np.where(
            np.isnan(size), np.where(np.isfinite(value), 0.0, np.nan), size / interval
        )
    return carried_forward(rates)[:, first:, None]


def sba(demand: FloatArray, horizon: int, first: int = 0, *, smoothing: float) -> FloatArray:
    """Croston's forecast, corrected for bias by 1 - smoothing / 2 (Syntetos and Boylan, 2005)."""
    return (1 - smoothing / 2) * croston(demand, horizon, first, smoothing=smoothing)


def tsb(demand: FloatArray, horizon: int, first: int = 0, *, smoothing: float) -> FloatArray:
    """Smoothed probability of a demand times its smoothed size (Teunter et al., 2011)."""
    size = np.full(len(demand), np.nan)
    chance = np.full(len(demand), np.nan)
    rates = np.empty_like(demand)
    for step in range(demand.shape[1]):
        value = demand[:, step]
        hit, seen = value > 0, np.isfinite(value)
        chance = np.where(seen, _smooth(chance, hit.astype(float), smoothing), chance)
        size = np.where(hit, _smooth(size, value, smoothing), size)
        rates[:, step] = np.where(
            np.isnan(size), np.where(np.isnan(chance), np.nan, 0.0), chance * size
        )
    return rates[:, first:, None]


def _smooth(level: FloatArray, value: FloatArray, smoothing: float) -> FloatArray:
    return np.where(np.isnan(level), value, level + smoothing * (value - level))
