"""Mix the network's forecast with simple ones, and calibrate the result. NumPy only.

Both are learned on tuning folds (evaluation/combination.py) and travel inside the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from restock.forecasters.names import LSTM
from restock.types.forecast import DemandForecast
from restock.types.panel import FloatArray


@dataclass(frozen=True)
class Combination:
    """What is done to the network's forecast before anyone sees it.

    Attributes:
        weights: Weight of each model, the LSTM among them; positive, summing to one.
        steps: For each quantile level, the level that is read in its place. Rising.
        totals: The same for running totals.
    """

    weights: dict[str, float]
    steps: list[float]
    totals: list[float]

    @classmethod
    def plain(cls, levels: FloatArray) -> Combination:
        """Return the network's forecast as it is."""
        return cls({LSTM: 1.0}, [float(q) for q in levels], [float(q) for q in levels])

    def apply(self, forecasts: Mapping[str, DemandForecast]) -> DemandForecast:
        """Mix forecasts of the same series and origins, then calibrate."""
        return calibrate(mix(forecasts, self.weights), self.steps, self.totals)


def mix(forecasts: Mapping[str, DemandForecast], weights: Mapping[str, float]) -> DemandForecast:
    """Average quantiles level by level: that keeps them from crossing (Vincent, 1912)."""
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


def calibrate(forecast: DemandForecast, steps: list[float], totals: list[float]) -> DemandForecast:
    """Read other levels in place of the nominal ones."""
    levels = np.asarray(forecast.levels)
    quantiles = read_levels(forecast.quantiles, levels, np.array(steps))
    cumulative = read_levels(forecast.cumulative, levels, np.array(totals))
    cumulative[:, 0] = quantiles[:, 0]  # the first total is the first step
    cumulative = np.maximum.accumulate(cumulative, axis=1)
    middle = int(np.abs(levels - 0.5).argmin())
    return replace(
        forecast, point=quantiles[:, :, middle], quantiles=quantiles, cumulative=cumulative
    )


def read_levels(quantiles: FloatArray, levels: FloatArray, wanted: FloatArray) -> FloatArray:
    """Interpolate quantiles ``(..., Q)`` at other levels, held at the outermost ones."""
    place = np.interp(wanted, levels, np.arange(len(levels)))
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, len(levels) - 1)
    share = place - low
    read = quantiles[..., low] * (1 - share) + quantiles[..., high] * share
    return np.maximum.accumulate(read, axis=-1)  # rounding alone can cross
