"""The network: an LSTM over the past, and a decoder with an output for every origin and step.

Shapes: B series, L lookback, O origins, H horizon, K future features, A anchors, U units,
Q levels, P parameters.
Outputs are quantiles of arcsinh(demand / scale), of each step and of the running mean; or the
parameters of a distribution of counts, of each step and of the running total (counts.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from restock.forecasters.lstm.counts import CountParameters
from restock.settings.model import COUNTS, ModelSettings


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of the inputs, known after features were made."""

    num_past: int
    num_future: int
    num_anchors: int
    num_static_numbers: int
    vocabulary_sizes: tuple[int, ...]
    horizon: int


@keras.saving.register_keras_serializable(package="restock")
class TakeOrigins(layers.Layer):  # type: ignore[misc]
    """Pick the hidden states at the forecast origins: ``(B, L, U)``, ``(B, O)`` → ``(B, O, U)``."""

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Select by a one-hot product, which every backend and ONNX can run."""
        hidden, index = inputs
        chosen = ops.one_hot(index, ops.shape(hidden)[1], dtype=hidden.dtype)
        return ops.matmul(chosen, hidden)


@keras.saving.register_keras_serializable(package="restock")
class StepBias(layers.Layer):  # type: ignore[misc]
    """Add a learned vector to each step of the horizon: ``(B, O, H, D)``."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create one vector per step."""
        self.bias = self.add_weight(shape=(shape[-2], shape[-1]), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Add the vectors."""
        return inputs + self.bias


@keras.saving.register_keras_serializable(package="restock")
class WeighAnchors(layers.Layer):  # type: ignore[misc]
    """Mix the anchors by weights that are positive and sum to one: ``(..., A)`` → ``(..., 1)``."""

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Return the weighted mean; a choice of zeros gives equal weights."""
        choice, anchors = inputs
        return ops.sum(ops.softmax(choice, axis=-1) * anchors, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable(package="restock")
class RisingQuantiles(layers.Layer):  # type: ignore[misc]
    """Turn free numbers into quantiles that cannot cross: the median and positive distances."""

    def __init__(self, middle: int, **kwargs: Any) -> None:
        """``middle`` is the index of the median among the levels."""
        super().__init__(**kwargs)
        self.middle = middle

    def call(self, inputs: Any) -> Any:
        """Return quantiles of the same shape. They rise, except for rounding errors."""
        place = np.arange(inputs.shape[-1])
        # A quantile is the median plus (or minus) all distances between the two. This is a product
        # with constant matrices: slices and running sums took a quarter of a training step.
        above = (place[:, None] > self.middle) & (place[:, None] <= place)
        below = (place[:, None] < self.middle) & (place[:, None] >= place)
        sums = ops.convert_to_tensor(above.astype(float) - below, dtype=inputs.dtype)
        median = np.repeat((place == self.middle)[:, None], len(place), axis=1)
        median = ops.convert_to_tensor(median.astype(float), dtype=inputs.dtype)
        # Inputs of zero give small distances: training starts with a narrow distribution around
        # the anchors.
        distances = ops.softplus(inputs - 2.0)
        return ops.matmul(inputs, median) + ops.matmul(distances, sums)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "middle": self.middle}


CUSTOM_OBJECTS = {
    f"restock>{layer.__name__}": layer
    for layer in (TakeOrigins, StepBias, WeighAnchors, RisingQuantiles, CountParameters)
}


def build_network(shape: NetworkShape, settings: ModelSettings) -> keras.Model:
    """Build the network. Its output is ``(B, O, H, 2, Q or P)``: steps, then means or totals."""
    past = keras.Input((None, shape.num_past), name="past")
    index = keras.Input((None,), dtype="int32", name="origin_index")
    future = keras.Input((None, shape.horizon, shape.num_future), name="future")
    anchors = keras.Input((None, shape.horizon, 2, shape.num_anchors), name="anchors")
    codes = keras.Input((len(shape.vocabulary_sizes),), dtype="int32", name="static_codes")
    numbers = keras.Input((shape.num_static_numbers,), name="static_numbers")

    state = past
    for number in range(settings.num_layers):
        state = layers.LSTM(
            settings.units,
            return_sequences=True,
            dropout=settings.dropout if number else 0.0,
            recurrent_dropout=settings.recurrent_dropout,
            name=f"lstm_{number}",
        )(state)
    state = TakeOrigins(name="origins")((state, index))
    state = layers.Dropout(settings.dropout, name="state_dropout")(state)

    # A sum of projections equals a projection of the concatenation, but needs no copy per step.
    context = layers.Dense(settings.units, name="context")(state)
    static = _static_context(codes, numbers, shape, settings)
    if static is not None:
        context = layers.Add(name="with_static")(
            [context, layers.Reshape((1, settings.units))(static)]
        )
    flat = layers.Reshape((-1, shape.horizon, 2 * shape.num_anchors), name="flat_anchors")(anchors)
    ahead = layers.Concatenate(name="known")([future, flat])
    ahead = layers.Dense(settings.units, use_bias=False, name="ahead")(ahead)
    context = layers.Reshape((-1, 1, settings.units), name="per_step")(context)
    joint = StepBias(name="step")(layers.Add(name="joint")([ahead, context]))
    joint = layers.Activation("silu", name="mix")(joint)
    joint = layers.Dropout(settings.dropout, name="joint_dropout")(joint)
    joint = layers.Dense(settings.units // 2 or 1, activation="silu", name="decode")(joint)
    num_outputs = COUNTS.get(settings.likelihood, len(settings.quantile_levels))
    raw = layers.Dense(2 * num_outputs, kernel_initializer="zeros", name="raw")(joint)
    raw = layers.Reshape((-1, shape.horizon, 2, num_outputs), name="heads")(raw)
    choice = layers.Dense(2 * shape.num_anchors, kernel_initializer="zeros", name="choice")(joint)
    choice = layers.Reshape((-1, shape.horizon, 2, shape.num_anchors), name="choices")(choice)
    # The last layers are always float32, because they add up small numbers.
    anchor = WeighAnchors(name="anchor", dtype="float32")((choice, anchors))
    if settings.likelihood in COUNTS:
        output = CountParameters(name="parameters", dtype="float32")((raw, anchor))
    else:
        middle = settings.quantile_levels.index(0.5)
        output = RisingQuantiles(middle, name="quantiles", dtype="float32")(raw)
        output = layers.Add(name="forecast", dtype="float32")([output, anchor])
    inputs = [past, index, future, anchors, codes, numbers]
    return keras.Model(inputs, output, name="restock_lstm")


def average_networks(networks: list[keras.Model]) -> keras.Model:
    """Join networks of the same shape into one network, whose output is their mean.

    A mean of rising quantiles also rises. Parameters of counts are averaged directly: means,
    dispersions and zero shares. The mean demand is then exactly that of the members' mixture. The
    variance is a little smaller, because the differences between the members are left out.
    """
    if len(networks) == 1:
        return networks[0]
    inputs = [keras.Input(i.shape[1:], dtype=i.dtype, name=i.name) for i in networks[0].inputs]
    for number, network in enumerate(networks):
        network.name = f"member_{number}"
    output = layers.Average(name="mean")([network(inputs) for network in networks])
    return keras.Model(inputs, output, name="restock_lstm")


def _static_context(
    codes: Any, numbers: Any, shape: NetworkShape, settings: ModelSettings
) -> Any | None:
    """Project the static inputs of a series: embeddings of its categories, and its numbers."""
    parts = []
    for column, size in enumerate(shape.vocabulary_sizes):
        embed = layers.Embedding(size + 1, settings.embedding_size, name=f"embed_{column}")
        parts.append(embed(codes[:, column]))
    if shape.num_static_numbers:
        parts.append(numbers)
    if not parts:
        return None
    joined = layers.Concatenate(name="static")(parts) if len(parts) > 1 else parts[0]
    joined = layers.Dropout(settings.dropout, name="static_dropout")(joined)
    return layers.Dense(settings.units, use_bias=False, name="static_context")(joined)


@keras.saving.register_keras_serializable(package="restock")
class QuantileLoss(keras.losses.Loss):  # type: ignore[misc]
    """Pinball loss, averaged over the levels and over the targets by their weights."""

    def __init__(self, levels: tuple[float, ...], **kwargs: Any) -> None:
        """``levels`` are the quantile levels of the last axis of a prediction."""
        super().__init__(reduction="mean_with_sample_weight", **kwargs)
        self.levels = tuple(levels)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Compare targets ``(B, O, H, 2)`` with predictions ``(B, O, H, 2, Q)``."""
        levels = ops.convert_to_tensor(self.levels, dtype=y_pred.dtype)
        error = ops.expand_dims(ops.arcsinh(y_true), -1) - y_pred
        return ops.mean(error * (levels - ops.cast(error < 0.0, error.dtype)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the loss."""
        return {"levels": self.levels, "name": self.name}
