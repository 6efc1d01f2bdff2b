"""Distributions of counts: the last layer, which outputs their parameters, and their likelihood.

For all backends: keras.ops only, in float32. It must not know the layers before it.
Shapes: B series, O origins, H horizon, P parameters. The axis of length 2 holds each step and the
running total up to it.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers, ops

LEAST_RELATIVE = 0.05  # added to the anchor: a mean of zero could not be scaled
SHIFTS = 3  # shifts of the argument before Stirling's series; its error is then below 3e-7


@keras.saving.register_keras_serializable(package="restock")
class CountParameters(layers.Layer):  # type: ignore[misc]
    """Turn free numbers and an anchor into mean / scale, dispersion and share of extra zeros.

    The mean is that of the whole distribution, extra zeros included. It is the anchor times a
    learned factor, so that it does not change while the network learns the share of zeros.
    """

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Return the parameters, in the shape of the free numbers: ``(..., P)``.

        The anchor has shape ``(..., 1)``.
        """
        raw, anchor = inputs
        # The limits keep dispersion in [1e-3, 150] and shares in [1e-4, 1 - 1e-4]: float32 is
        # still exact enough there. Inputs of zero give 0.4 and 0.12.
        expected = ops.log(ops.maximum(ops.sinh(anchor), 0.0) + LEAST_RELATIVE)
        parts = [
            ops.exp(ops.clip(expected + raw[..., :1], -15.0, 15.0)),
            ops.exp(ops.clip(raw[..., 1:2] - 1.0, -7.0, 5.0)),
            ops.sigmoid(ops.clip(raw[..., 2:] - 2.0, -9.0, 9.0)),
        ]
        return ops.concatenate(parts, axis=-1)


@keras.saving.register_keras_serializable(package="restock")
class CountLoss(keras.losses.Loss):  # type: ignore[misc]
    """Negative log likelihood of counts, averaged over the targets by their weights."""

    def __init__(self, **kwargs: Any) -> None:
        """Targets with a weight of 0 are ignored."""
        super().__init__(reduction="mean_with_sample_weight", **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compare counts with distributions.

        Args:
            y_true: The count, and the factor in units that turns a relative mean into a count.
                Shape ``(B, O, H, 2, 2)``.
            y_pred: From :class:`CountParameters`. Shape ``(B, O, H, 2, P)``.

        Returns:
            Shape ``(B, O, H, 2)``.
        """
        count, mean, dispersion = y_true[..., 0], y_pred[..., 0] * y_true[..., 1], y_pred[..., 1]
        if y_pred.shape[-1] == 2:
            return -log_negative_binomial(count, mean, dispersion)
        return -log_zero_inflated(count, mean, dispersion, y_pred[..., 2])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {"name": self.name}


def log_zero_inflated(count: Any, mean: Any, dispersion: Any, zero_share: Any) -> Any:
    """Return the log probability of counts, some of which are extra zeros.

    Args:
        count: Whole, not negative.
        mean: Of the whole distribution, extra zeros included; above 0.
        dispersion: Of the part that is not extra zeros; above 0.
        zero_share: Probability of an extra zero, inside (0, 1).

    Source:
        Lambert, Zero-inflated Poisson regression (Technometrics 34, 1992).
    """
    extra, rest = ops.log(zero_share), ops.log1p(-zero_share)
    usual = rest + log_negative_binomial(count, mean / (1.0 - zero_share), dispersion)
    return ops.where(count > 0.5, usual, ops.logaddexp(extra, usual))


def log_negative_binomial(count: Any, mean: Any, dispersion: Any) -> Any:
    """Return the log probability of counts whose variance is mean + dispersion * mean².

    It is computed with ratios, because keras.ops has no log-gamma. Also, the difference of three
    log-gammas would lose all digits of float32 at large counts.

    Source:
        Cameron and Trivedi, Regression Analysis of Count Data (NB2).
    """
    size, next_count = 1.0 / dispersion, count + 1.0
    log_beta = (
        -(next_count - 0.5) * ops.log1p(size / next_count)
        - (size - 0.5) * ops.log1p(next_count / size)
        - 0.5 * ops.log(next_count + size)
        + 0.5 * math.log(2.0 * math.pi)
        + stirling_error(next_count)
        + stirling_error(size)
        - stirling_error(next_count + size)
    )
    powers = -size * ops.log1p(mean / size) - count * ops.log1p(size / mean)
    return powers - log_beta - ops.log(count + size)


def stirling_error(x: Any) -> Any:
    """Return log Γ(x) − ((x − ½) log x − x + ½ log 2π), for x above 0.

    Source:
        Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.15 and 6.1.41.
    """
    error = ops.zeros_like(x)
    for shift in range(SHIFTS):
        # ½ log((y + 1) / y) above 1 - y log((y + 1) / y): what log Γ(y + 1) = log Γ(y) + log y adds
        y = x + float(shift)
        error = error + (y + 0.5) * ops.log1p(1.0 / y) - 1.0
    y = x + float(SHIFTS)
    return error + (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / (1260.0 * y * y)) / (y * y)) / y
