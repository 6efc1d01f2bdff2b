"""Settings of the training: how networks are fitted, and how their forecasts are combined."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restock.settings.base import Frozen


class TrainingSettings(Frozen):
    """How the network is fitted."""

    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    """Learning rate of Adam at the start. Over ``max_epochs`` it falls along a cosine to a
    twentieth of this.
    """

    batch_size: Annotated[int, Field(ge=1)] = 64
    """Number of series in one training step."""

    max_epochs: Annotated[int, Field(ge=1)] = 25
    """Largest number of epochs. The tuning folds decide how many of them are used."""

    passes_per_epoch: Annotated[int, Field(ge=1)] = 1
    """Passes over all series in one epoch. Use more for panels with few series."""

    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Gradient clipping: largest norm of the gradient of each layer's weights."""

    weight_by_scale: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Weight of a series in the loss. 0: all series have the same weight; 1: the weight is
    proportional to the volume.
    """

    ensemble_size: Annotated[int, Field(ge=1, le=32)] = 2
    """Number of networks, each with its own seed. Their forecasts are averaged. A trial of a
    search trains only one per fold and seed.
    """

    snapshots: Annotated[int, Field(ge=1, le=8)] = 1
    """Number of last epochs of each network whose weights are kept. The forecasts of all of them
    are averaged.
    """

    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """Number format of the layers' computations. The mixed ones are for a GPU. Weights and
    forecasts are float32.
    """

    combine: bool = True
    """Whether the network's forecasts are mixed with those of the baselines and their intervals
    are calibrated. Weights and widths are learned on the tuning folds.
    """

    use_tuned: bool = True
    """Whether the tuner's best values and number of epochs replace the configured ones. `restock
    train`, typed by hand, turns it off.
    """
