"""Settings of the training: how networks are fitted, and what is made of their forecasts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restock.settings.base import Frozen


class TrainingSettings(Frozen):
    """How the network is fitted."""

    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    """Step size of Adam at the start; it falls along half a cosine over ``max_epochs``."""

    batch_size: Annotated[int, Field(ge=1)] = 64
    """Series in one training step."""

    max_epochs: Annotated[int, Field(ge=1)] = 25
    """Most epochs that are trained; how many of them are used is decided on the tuning folds."""

    passes_per_epoch: Annotated[int, Field(ge=1)] = 1
    """Passes over all series in one epoch; more suit panels of few series."""

    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of the gradient of each layer's weights; a longer one is shortened to it."""

    weight_by_scale: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How much a series counts in the loss: 0 for all alike, 1 for in proportion to its volume."""

    ensemble_size: Annotated[int, Field(ge=1, le=32)] = 2
    """Networks that differ by their seed and answer by their mean; a trial trains only one."""

    snapshots: Annotated[int, Field(ge=1, le=8)] = 1
    """How many last epochs of each network answer, each with its own weights; the mean counts."""

    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """What layers compute in; the mixed ones are for a GPU. Weights and forecasts are float32."""

    combine: bool = True
    """Whether forecasts are mixed with the baselines' and their width is calibrated, as the
    tuning folds say.
    """

    use_tuned: bool = True
    """Whether swept values and epochs are replaced by the tuner's best; a typed `restock train`
    turns it off.
    """
