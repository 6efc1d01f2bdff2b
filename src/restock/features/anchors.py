"""Make anchors: exponential smoothing of several characters, a median and the seasonal naive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restock.features.history import carried_forward
from restock.types.anchors import Anchors
from restock.types.panel import FloatArray, IntArray
from restock.types.seasons import Turns


@dataclass(frozen=True)
class Smoother:
    """Exponential smoothing with fixed rates (Holt, 1957; Winters, 1960; Gardner, 1985).

    Attributes:
        level, trend, season: Share of a one-step error that moves each; 0 leaves it where it is.
        damping: Share of the trend that is left after each step.
        first_season: Share of the first season's deviations that is believed once it is over;
            0 for no season at all.
        ratios: Whether seasons multiply (logarithms are smoothed) or add.
    """

    level: float
    trend: float = 0.0
    season: float = 0.0
    damping: float = 1.0
    first_season: float = 0.0
    ratios: bool = False


# Characters from steady to quick, from plain to seasonal; which suits a series the network learns.
# A first season is believed in part only: a whole year of weekly demand is mostly noise.
SMOOTHERS = (
    Smoother(level=0.2),
    Smoother(level=0.1, ratios=True),
    Smoother(level=0.15, trend=0.02, season=0.3, damping=0.95, first_season=0.3),
    Smoother(level=0.3, trend=0.01, season=0.1, damping=0.9, first_season=0.6),
    Smoother(level=0.3, season=0.1, first_season=0.3, ratios=True),
    Smoother(level=0.5, season=0.1, first_season=0.6, ratios=True),
)


# Those that are also moved by long seasons: where a season is a year, they must not know it
# themselves; where it is shorter, they must.
TURNED = {"year": (0, 1), "shorter": (2, 4)}


def make_anchors(
    demand: FloatArray,
    period: int,
    window: int,
    unit: float,
    turns: tuple[Turns, ...] = (),
) -> Anchors:
    """Run every anchor over the past of all series, one pass over time.

    Args:
        demand: NaN where unknown. Shape ``(N, T)``.
        period: Periods of a season; 0 or 1 for none.
        window: Periods of the recent median.
        unit: See :class:`Anchors`.
        turns: The long seasons of these series.
    """
    period = period if period > 1 else 0
    known = np.isfinite(demand)
    age = np.cumsum(np.logical_or.accumulate(known, axis=1), axis=1)
    ready = age >= period if period else np.zeros_like(known)
    level, trend, season = _smooth(demand, age, period, unit)
    last = np.nan_to_num(carried_forward(demand))
    nothing = np.zeros_like(last)
    return Anchors(
        level=_joined(level, recent_median(demand, window), np.where(ready, 0.0, last)),
        trend=_joined(trend, nothing, nothing),
        season=_joined(season, nothing, last),  # the value that stood one season before a target
        most=np.maximum.accumulate(np.where(known, demand, 0.0), axis=1).astype(np.float32),
        ready=ready,
        period=period,
        damping=np.array([smoother.damping for smoother in SMOOTHERS] + [1.0, 1.0]),
        ratios=np.array([smoother.ratios for smoother in SMOOTHERS] + [False, False]),
        unit=unit,
        turns=turns,
        moved=turns[0].moved if turns else (),  # they all move the same
    )


def recent_median(demand: FloatArray, window: int) -> FloatArray:
    """Median of the known values among the last ``window``; held where none is, 0 before any."""
    padded = np.pad(demand.astype(np.float32), ((0, 0), (window - 1, 0)), constant_values=np.nan)
    views = np.sort(np.lib.stride_tricks.sliding_window_view(padded, window, axis=1), axis=2)
    known = np.isfinite(views).sum(axis=2)[:, :, None]
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, window - 1)
    middle = np.take_along_axis(views, low, axis=2) + np.take_along_axis(views, high, axis=2)
    return np.nan_to_num(carried_forward(middle[:, :, 0] / 2))


def _joined(smoothed: FloatArray, *others: FloatArray) -> FloatArray:
    """Put ``(T, A, N)`` and more ``(N, T)`` side by side: ``(N, T, A + ...)``, float32."""
    num_steps, count, num_series = smoothed.shape
    joined = np.empty((num_series, num_steps, count + len(others)), dtype=np.float32)
    joined[:, :, :count] = smoothed.transpose(2, 0, 1)
    for place, other in enumerate(others, start=count):
        joined[:, :, place] = other
    return joined


def _smooth(
    demand: FloatArray, age: IntArray, period: int, unit: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Run all smoothers side by side. Returns level, trend and season, ``(T, A, N)`` each."""
    ratios, alpha, beta, gamma, damping, trust = (
        np.array([getattr(smoother, name) for smoother in SMOOTHERS])[:, None]
        for name in ("ratios", "level", "trend", "season", "damping", "first_season")
    )
    # Time first, so that a step's numbers lie together: (T, A, N).
    values = np.where(ratios, np.log1p(demand / unit).T[:, None], demand.T[:, None])
    levels, trends, seasons = (np.zeros_like(values) for _ in range(3))
    level, trend = np.full(values.shape[1:], np.nan), np.zeros(values.shape[1:])
    for step, value in enumerate(values):
        index = seasons[step - period] if period and step >= period else 0.0
        drift = damping * trend
        expected = level + drift
        current = value - index
        error = current - expected
        error[np.isnan(error)] = 0.0  # where either is unknown
        trend = drift + beta * error
        level = np.where(np.isnan(expected), current, expected + alpha * error)
        if period:
            seasons[step] = index + gamma * error
            full = np.flatnonzero(age[:, step] == period)
            if full.size:  # the first season of these series is over
                past = slice(step - period + 1, step + 1)
                mean = np.nanmean(values[past][:, :, full], axis=0)
                deviation = np.nan_to_num(values[past][:, :, full] - mean)
                seasons[past, :, full] = trust * deviation
                level[:, full] += trust * (mean - level[:, full])
                trend[:, full] *= 1 - trust
        levels[step], trends[step] = level, trend
    return np.nan_to_num(levels), trends, seasons
