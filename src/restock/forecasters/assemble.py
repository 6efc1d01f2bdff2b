"""From what the network says about windows to a demand forecast in units. NumPy only."""

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

# Network inputs by name -> what likelihoods.py decodes, (B, 1, H, 2, Q or P)
Run = Callable[[dict[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class PanelNetwork:
    """A network beside one panel and the windows it reads there.

    Attributes:
        run: The network, in Keras or in ONNX Runtime.
        windows: Windows over the panel's features.
        panel: The series.
        state: What the features were made with.
        levels: Quantile levels of the forecast. Shape ``(Q,)``.
        likelihood: What the network answers.
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
        """Turn answers about these or some of these series into a forecast; see `to_units`."""
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
    """Turn answers relative to a scale into a forecast in units.

    Args:
        answer: Quantiles of arcsinh(demand / scale): of each step, and of the mean up to it; not
            crossing. Or parameters of a distribution. Shape ``(N, H, 2, Q or P)``.
        scale: Units that the demand is relative to. Shape ``(N,)``.
        panel: Names, grid and history of the series.
        origins: Shape ``(N,)``.
        levels: Quantile levels; 0.5 is one of them. Shape ``(Q,)``.
        likelihood: What the answer is; see forecasters/likelihoods.py.
    """
    units = decoder(likelihood)(answer, scale, levels)
    steps = np.arange(1, answer.shape[1] + 1)
    ceiling = plausible_ceiling(panel, origins)[:, None, None]
    quantiles = np.minimum(units[:, :, 0], ceiling)
    # The first total is the first step; after it a total can only grow with more periods.
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
    )


def negligible_demand(panel: DemandPanel, origins: IntArray, scale: FloatArray) -> FloatArray:
    """Return what counts as no demand: less than half the smallest that a series ever had.

    A network's quantiles come close to zero without reaching it; a series that is sold by the
    piece and stands at zero would else seem to fall short of every one of them. For a series that
    has never sold it is its scale, which is then the smallest scale there is; for one that has
    never stood at zero it is 0.

    Returns:
        Units, read up to each origin only. Shape ``(N,)``.
    """
    past = np.arange(panel.num_steps)[None, :] <= origins[:, None]
    least = np.where(past & (panel.demand > 0), panel.demand, np.inf).min(axis=1)
    stood_still = (past & (panel.uncensored == 0)).any(axis=1)
    return np.where(stood_still, np.where(np.isinf(least), scale, least / 2), 0.0)


def plausible_ceiling(panel: DemandPanel, origins: IntArray) -> FloatArray:
    """Return the most that a forecast may say of one period: twice the most there ever was.

    A network answers on a relative scale. For a product that has all but stopped selling, its
    outermost quantiles would otherwise stand for orders that nothing in its history supports.
    Series with fewer than :data:`MATURE` known periods in stock have no ceiling.

    Returns:
        Units per period, read up to each origin only. Shape ``(N,)``.
    """
    past = np.arange(panel.num_steps)[None, :] <= origins[:, None]
    most = np.where(past, np.nan_to_num(panel.demand), 0.0).max(axis=1)
    known = past & np.isfinite(panel.uncensored)
    return np.where(known.sum(axis=1) >= MATURE, np.maximum(2 * most, 1.0), np.inf)
