"""Mix the forecasts of several models, and calibrate the result. NumPy only.

Weights and calibration are learned on tuning folds (training/combination.py). The bundle holds
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from restock.forecasters.names import LSTM
from restock.types.forecast import DemandForecast
from restock.types.panel import BoolArray, DemandPanel, FloatArray, IntArray

Answer = Callable[[DemandPanel, IntArray], DemandForecast]
Answers = Callable[[DemandPanel, IntArray], Mapping[str, DemandForecast]]


@dataclass(frozen=True)
class Combination:
    """How the forecasts of one or several models are mixed and calibrated.

    Attributes:
        weights: Weight of each model. Positive, with a sum of one.
        steps: For each quantile level, the level that is used instead. Rising.
        totals: The same for running totals.
    """

    weights: dict[str, float]
    steps: list[float]
    totals: list[float]

    @classmethod
    def plain(cls, levels: FloatArray, name: str = LSTM) -> Combination:
        """Return the combination that leaves one model's forecast unchanged: the network's."""
        return cls({name: 1.0}, [float(q) for q in levels], [float(q) for q in levels])

    def forecast(
        self, panel: DemandPanel, origins: IntArray, *, network: Answer, others: Answers
    ) -> DemandForecast:
        """Forecast with the models that are needed, mix the forecasts, then calibrate.

        Args:
            panel: History (and known future) of the series.
            origins: Last known grid position per series. Shape ``(N,)``.
            network: Makes the network's forecast; used if it has a weight or a series is cold.
            others: Makes the other forecasts, by model.
        """
        forecasts = others(panel, origins)
        cold = panel.first_seen > origins
        if LSTM in self.weights or cold.any():
            forecasts = {**forecasts, LSTM: network(panel, origins)}
        return self.apply(forecasts, cold)

    def apply(
        self, forecasts: Mapping[str, DemandForecast], cold: BoolArray | None = None
    ) -> DemandForecast:
        """Mix forecasts of the same series and origins, then calibrate.

        Args:
            forecasts: The forecasts, by model.
            cold: True for series without history. Their forecast is the network's alone: only it
                can tell them apart, by their static columns. None: there are none. Shape ``(N,)``.
        """
        mixed = mix(forecasts, self.weights)
        if cold is not None and cold.any():
            mixed = choose_rows(cold, forecasts[LSTM], mixed)
        return calibrate(mixed, self.steps, self.totals)


def mix(forecasts: Mapping[str, DemandForecast], weights: Mapping[str, float]) -> DemandForecast:
    """Average quantiles at each level, so that they cannot cross (Vincent, 1912)."""
    parts = [forecasts[name] for name in weights]
    shares = list(weights.values())

    def mean(arrays: list[FloatArray]) -> FloatArray:
        return np.average(arrays, axis=0, weights=shares)

    return replace(
        parts[0],
        point=mean([part.point for part in parts]),
        quantiles=mean([part.quantiles for part in parts]),
        cumulative=mean([part.cumulative for part in parts]),
    )


def choose_rows(chosen: BoolArray, ours: DemandForecast, others: DemandForecast) -> DemandForecast:
    """Take the chosen series ``(N,)`` from one forecast and the rest from another."""
    here = chosen[:, None]
    return replace(
        others,
        point=np.where(here, ours.point, others.point),
        quantiles=np.where(here[..., None], ours.quantiles, others.quantiles),
        cumulative=np.where(here[..., None], ours.cumulative, others.cumulative),
    )


def calibrate(forecast: DemandForecast, steps: list[float], totals: list[float]) -> DemandForecast:
    """Replace the quantile at each nominal level by the one at another level."""
    levels = np.asarray(forecast.levels)
    quantiles = read_levels(forecast.quantiles, levels, np.array(steps))
    cumulative = read_levels(forecast.cumulative, levels, np.array(totals))
    cumulative[:, 0] = quantiles[:, 0]  # the first total is the first step
    cumulative = np.maximum.accumulate(cumulative, axis=1)
    middle = int(np.abs(levels - 0.5).argmin())
    return replace(
        forecast, point=quantiles[:, :, middle], quantiles=quantiles, cumulative=cumulative
    )


def with_lower_tail(quantiles: FloatArray, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Extrapolate quantiles below the lowest level, along a normal distribution.

    The new levels mirror the highest ones: 1 % for 99 %, and so on. Without them, calibration
    could make the widest interval only narrower at its lower end, never wider.

    Args:
        quantiles: In units, not negative. Shape ``(..., Q)``.
        levels: At least two. Shape ``(Q,)``.

    Returns:
        Quantiles and levels, those of the lower tail first.
    """
    below = 1.0 - levels[levels > 1.0 - levels[0] + 1e-9][::-1]
    scores = np.array([NormalDist().inv_cdf(float(q)) for q in (*below, *levels[:2])])
    paces = (scores[:-2] - scores[-2]) / (scores[-1] - scores[-2])
    lowest, next_lowest = quantiles[..., :1], quantiles[..., 1:2]
    tail = np.maximum(lowest + paces * (next_lowest - lowest), 0.0)
    return np.concatenate([tail, quantiles], axis=-1), np.concatenate([below, levels])


def read_levels(quantiles: FloatArray, levels: FloatArray, wanted: FloatArray) -> FloatArray:
    """Interpolate quantiles ``(..., Q)`` at other levels; constant beyond both ends."""
    quantiles, levels = with_lower_tail(quantiles, levels)
    place = np.interp(wanted, levels, np.arange(len(levels)))
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, len(levels) - 1)
    share = place - low
    read = quantiles[..., low] * (1 - share) + quantiles[..., high] * share
    return np.maximum.accumulate(read, axis=-1)  # rounding alone can cross
