"""Turn a network's output into quantiles of demand in units, by the likelihood of the network.

NumPy and SciPy only: it must not know Keras, nor which program ran the network.
Shapes: N series, H horizon, Q levels, P parameters. The axis of length 2 holds each step and the
running total up to it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from restock.errors import DataError
from restock.settings.model import COUNTS, Likelihood
from restock.types.panel import DemandPanel, FloatArray, IntArray

# Output (N, H, 2, Q or P), scale (N,), levels (Q,) -> quantiles in units (N, H, 2, Q)
Decode = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def decoder(likelihood: Likelihood) -> Decode:
    """Return the function that turns the output for this likelihood into quantiles."""
    return decode_counts if likelihood in COUNTS else decode_quantiles


def decode_quantiles(answer: FloatArray, scale: FloatArray, levels: FloatArray) -> FloatArray:
    """Read quantiles of arcsinh(demand / scale).

    Args:
        answer: Quantiles of each step, and of the running *mean* up to it. They rise, except for
            rounding errors. Shape ``(N, H, 2, Q)``.
        scale: Scale of each series, in units. Shape ``(N,)``.
        levels: Levels of these quantiles. Shape ``(Q,)``.

    Returns:
        Quantiles in units, of each step and of the running total. Shape ``(N, H, 2, Q)``.
    """
    assert answer.shape[3] == len(levels)
    rising = np.maximum.accumulate(answer, axis=3)  # rounding alone can cross
    relative = np.maximum(np.sinh(rising), 0.0) * scale.astype(np.float64)[:, None, None, None]
    return relative * _periods(answer.shape[1])[:, :, None]


def decode_counts(answer: FloatArray, scale: FloatArray, levels: FloatArray) -> FloatArray:
    """Read the parameters of a (zero-inflated) negative binomial distribution.

    Args:
        answer: Mean divided by scale (for the running total: the mean per period), dispersion and,
            for zero inflation, the share of extra zeros. Shape ``(N, H, 2, P)``, P is 2 or 3.
        scale: Scale of each series, in units. Shape ``(N,)``.
        levels: Quantile levels, rising, inside (0, 1). Shape ``(Q,)``.

    Returns:
        Whole units, of each step and of the running total. Shape ``(N, H, 2, Q)``.
    """
    mean = answer[..., 0] * scale.astype(np.float64)[:, None, None] * _periods(answer.shape[1])
    zero_share = answer[..., 2] if answer.shape[3] > 2 else np.zeros_like(mean)
    return count_quantiles(mean, answer[..., 1], zero_share, levels)


def count_quantiles(
    mean: FloatArray, dispersion: FloatArray, zero_share: FloatArray, levels: FloatArray
) -> FloatArray:
    """Return quantiles of counts: the smallest count with at least each cumulative probability.

    Quantiles are whole numbers; there is no interpolation. If a level lies exactly on a step of the
    distribution function, a difference in the last digit of a parameter (Keras and ONNX Runtime)
    can change a quantile by one count.

    Args:
        mean: Mean of the whole distribution, extra zeros included; above 0. Shape ``(...)``.
        dispersion: Above 0. Without extra zeros, the variance is mean + dispersion * mean².
        zero_share: Probability of an extra zero; in [0, 1).
        levels: Shape ``(Q,)``.

    Returns:
        Rising along the last axis and not negative. Shape ``(..., Q)``.

    Source:
        Lambert, Zero-inflated Poisson regression (Technometrics 34, 1992), for the mixture;
        Cameron and Trivedi, Regression Analysis of Count Data, for this form (NB2).
    """
    from scipy.stats import nbinom  # imported here: it takes a second, and is rarely needed

    rest = 1.0 - zero_share
    size = 1.0 / dispersion
    probability = size / (size + mean / rest)
    beyond_zeros = np.maximum(levels - zero_share[..., None], 0.0) / rest[..., None]
    counts = nbinom.ppf(beyond_zeros, size[..., None], probability[..., None])
    return np.maximum(counts, 0.0)  # SciPy's quantile at level 0 is -1


def require_counts(panel: DemandPanel, train_end: IntArray, likelihood: Likelihood) -> None:
    """Refuse demand that is not in whole units if the likelihood is a distribution of counts.

    Args:
        panel: The whole panel; demand after ``train_end`` is not read.
        train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.
        likelihood: The likelihood of the network.

    Raises:
        DataError: If demand is not whole. The message names the first such series and period.
    """
    if likelihood not in COUNTS:
        return
    in_training = np.arange(panel.num_steps)[None, :] <= train_end[:, None]
    demand = np.where(in_training, np.nan_to_num(panel.uncensored), 0.0)
    # Demand that was stored as a logarithm has rounding errors.
    broken = np.abs(demand - np.rint(demand)) > 1e-6 * np.maximum(demand, 1.0)
    if not broken.any():
        return
    row, step = np.argwhere(broken)[0]
    raise DataError(
        f"series {panel.series_id[row]}, {panel.timestamps[step].date()}: demand "
        f"{demand[row, step]:g} is not a count, but model.likelihood={likelihood} models counts "
        f"({int(broken.sum())} such value(s) in {int(broken.any(axis=1).sum())} series). "
        "Set model.likelihood=quantiles, or give the demand in whole units."
    )


def _periods(horizon: int) -> IntArray:
    """Return the number of periods in each output: 1 for steps, h for totals. Shape ``(H, 2)``."""
    steps = np.arange(1, horizon + 1)
    return np.stack([np.ones_like(steps), steps], axis=1)
