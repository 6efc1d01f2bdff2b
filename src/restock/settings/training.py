"""Settings of the training: how networks are fitted, and how their forecasts are combined."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restock.settings.base import Frozen


class TrainingSettings(Frozen):
    """How the network is fitted."""

    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    """Learning rate of Adam. It rises at the start, stays, and falls at the end of the training."""

    batch_size: Annotated[int, Field(ge=1)] = 64
    """Number of sequences in one gradient step. It does not change the number of steps."""

    max_steps: Annotated[int, Field(ge=1)] | None = None
    """Largest number of gradient steps. The tuning folds decide how many of them are used: an
    eighth, a quarter, half or all. null: one for every 200 known periods of demand,
    but at least 160 and at most 2560.
    """

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

    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """Number format of the layers' computations. The mixed ones are for a GPU. Weights and
    forecasts are float32.
    """

    combine: bool = True
    """Whether the tuning folds choose what forecasts: a calibrated mix of the network and the
    baselines, or one of them. false: the network alone forecasts.
    """

    use_tuned: bool = True
    """Whether the tuner's best values and number of steps replace the configured ones. `restock
    train`, typed by hand, turns it off.
    """
