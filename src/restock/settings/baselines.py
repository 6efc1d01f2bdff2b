"""Settings of the baselines: which simple forecasts are made, and how they are made."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from restock.errors import nearest
from restock.settings.base import Frozen, Names


class TreeSettings(Frozen):
    """Boosted trees: how many rows each model sees, and how long it is boosted."""

    num_rows: Annotated[int, Field(ge=1)] = 40_000
    """Largest number of training rows per model. If there are more, a random sample is drawn
    evenly from all series, origins and steps.
    """

    num_iterations: Annotated[int, Field(ge=1)] = 60
    """Number of trees in each model."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Learning rate: the share of each new tree's correction that is added."""


BASELINES = (
    "naive", "seasonal_naive", "moving_mean", "moving_median", "ses", "ets", "theta", "croston",
    "sba", "tsb", "boosted_trees",
)  # fmt: skip


class BaselineSettings(Frozen):
    """The simple forecasts that every report compares with the LSTM."""

    names: Names = BASELINES
    """Names of the baselines. ``boosted_trees`` takes the most time; leave it out to be faster."""

    seasonal_period: Annotated[int, Field(ge=1)]
    """Periods in a season, for the seasonal naive forecast, ETS and Theta. null in a
    configuration: a default for the frequency.
    """

    moving_window: Annotated[int, Field(ge=1)] = 8
    """Periods of history that the moving mean and median use, and the estimate of lost sales."""

    smoothing: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Smoothing parameter of SES, Croston, SBA and TSB. ETS and Theta estimate their own."""

    error_origins: Annotated[int, Field(ge=2)] = 104
    """Number of past origins. A baseline's quantiles come from its errors at these origins."""

    trees: TreeSettings = TreeSettings()
    """How the boosted trees are fitted."""

    @model_validator(mode="after")
    def _known_names(self) -> BaselineSettings:
        for name in self.names:
            if name not in BASELINES:
                raise ValueError(f"no baseline {name!r}. {nearest(name, BASELINES)}")
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError("names must hold at least one baseline, and each only once")
        return self
