"""Turn the network's output for windows into a demand forecast in units. NumPy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from restock.forecasters.likelihoods import decoder
from restock.settings.model import Likelihood
from restock.types.features import FeatureState
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray
from restock.windows.sequences import WindowMaker

MATURE = 52  # known periods

# Network inputs by name -> output, which likelihoods.py decodes. (B, 1, H, 2, Q or P)
Run = Callable[[dict[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class PanelNetwork:
    """A network, together with one panel and its windows.

    Attributes:
        run: The network, in Keras or in ONNX Runtime.
        windows: Windows over the panel's features.
        panel: The series.
        state: Learned constants of the features.
        levels: Quantile levels of the forecast. Shape ``(Q,)``.
        likelihood: What the network outputs.
    """

    run: Run
    windows: WindowMaker
    panel: DemandPanel
    state: FeatureState
    levels: FloatArray
    likelihood: Likelihood

    def predict(self, origins: IntArray) -> DemandForecast:
        """Forecast every series from its origin, at least 0. Shape of ``origins``: ``(N,)``."""
        parts, scales = [], []
        for batch, count in self.windows.prediction_batches(origins):
            answer = np.asarray(self.run(batch.inputs()), dtype=np.float64)
            parts.append(answer[:count, 0])
            scales.append(batch.scale[:count, 0])
        return self.in_units(np.concatenate(parts), np.concatenate(scales), self.panel, origins)

    def in_units(
        self, answer: FloatArray, scale: FloatArray, panel: DemandPanel, origins: IntArray
    ) -> DemandForecast:
        """Turn outputs for some or all series into a forecast; see :func:`to_units`."""
        return to_units(answer, scale, panel, origins, self.levels, likelihood=self.likelihood)


def to_units(
    answer: FloatArray,
    scale: FloatArray,
    panel: DemandPanel,
    origins: IntArray,
    levels: FloatArray,
    *,
    likelihood: Likelihood = "quantiles",
) -> DemandForecast:
    """Turn outputs relative to a scale into a forecast in units.

    Args:
        answer: Quantiles of arcsinh(demand / scale) of each step, and of the mean up to it,
            rising; or parameters of a distribution. Shape ``(N, H, 2, Q or P)``.
        scale: Scale of each series, in units. Shape ``(N,)``.
        panel: Names, grid and history of the series.
        origins: Last known position of each series. Shape ``(N,)``.
        levels: Quantile levels; 0.5 must be one of them. Shape ``(Q,)``.
        likelihood: What the output is; see forecasters/likelihoods.py.
    """
    units = decoder(likelihood)(answer, scale, levels)
    steps = np.arange(1, answer.shape[1] + 1)
    ceiling = plausible_ceiling(panel, origins)[:, None, None]
    quantiles = np.minimum(units[:, :, 0], ceiling)
    # The first total is the first step. From there a total cannot fall from step to step.
    totals = np.minimum(units[:, :, 1], ceiling * steps[None, :, None])
    totals[:, 0] = quantiles[:, 0]
    cumulative = np.maximum.accumulate(totals, axis=1)
    least = negligible_demand(panel, origins, scale)[:, None, None]
    quantiles, cumulative = (np.where(v < least, 0.0, v) for v in (quantiles, cumulative))
    middle = int(np.flatnonzero(np.isclose(levels, 0.5))[0])
    return DemandForecast(
        series_id=panel.series_id,
        origin=panel.labels(origins),
        timestamps=panel.labels(origins[:, None] + steps[None, :]),
        point=quantiles[:, :, middle],
        levels=levels,
        quantiles=quantiles,
        cumulative=cumulative,
        unit=panel.unit,
    ).closed_on(panel.closed)


def negligible_demand(panel: DemandPanel, origins: IntArray, scale: FloatArray) -> FloatArray:
    """Return the demand below which a forecast is set to zero.

    It is half the smallest positive demand that a series ever had. The network's quantiles come
    close to zero, but never reach it; without this, zero demand would lie below all quantiles.
    For a series that has never sold, the limit is its scale, which is then the smallest possible
    one. For a series whose demand was never zero, the limit is 0.

    Returns:
        Units, from periods up to each origin. Shape ``(N,)``.
    """
    past = np.arange(panel.num_steps)[None, :] <= origins[:, None]
    least = np.where(past & (panel.demand > 0), panel.demand, np.inf).min(axis=1)
    stood_still = (past & (panel.uncensored == 0)).any(axis=1)
    return np.where(stood_still, np.where(np.isinf(least), scale, least / 2), 0.0)


def plausible_ceiling(panel: DemandPanel, origins: IntArray) -> FloatArray:
    """Return the largest allowed forecast of one period: twice the largest demand so far.

    The network's output is relative to a scale. Without a ceiling, the highest quantiles of a
    product that hardly sells any more would lead to orders that its history does not support.
    Series with fewer than :data:`MATURE` known periods in stock have no ceiling.

    Returns:
        Units per period, from periods up to each origin. Shape ``(N,)``.
    """
    past = np.arange(panel.num_steps)[None, :] <= origins[:, None]
    most = np.where(past, np.nan_to_num(panel.demand), 0.0).max(axis=1)
    known = past & np.isfinite(panel.uncensored)
    return np.where(known.sum(axis=1) >= MATURE, np.maximum(2 * most, 1.0), np.inf)
