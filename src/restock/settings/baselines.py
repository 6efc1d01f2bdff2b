"""Settings of the baselines: which simple forecasts are made, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from restock.errors import nearest
from restock.settings.base import Frozen, Names


class TreeSettings(Frozen):
    """Boosted trees: how many rows each model sees, and how long it is boosted."""

    num_rows: Annotated[int, Field(ge=1)] = 40_000
    """Most rows that each model is taught; where there are more, they are drawn evenly from all
    series, origins and steps.
    """

    num_iterations: Annotated[int, Field(ge=1)] = 60
    """Trees that are added up in each model."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of each new tree's correction that is taken."""


BASELINES = (
    "naive", "seasonal_naive", "moving_mean", "moving_median", "ses", "ets", "theta", "croston",
    "sba", "tsb", "boosted_trees",
)  # fmt: skip


class BaselineSettings(Frozen):
    """The forecasts that stand beside the LSTM in every report."""

    names: Names = BASELINES
    """Which of them stand there; without ``boosted_trees`` the most time is saved."""

    seasonal_period: Annotated[int, Field(ge=1)]
    """Periods of a season, for the seasonal naive forecast, ETS and Theta; null in a
    configuration: what suits the frequency.
    """

    moving_window: Annotated[int, Field(ge=1)] = 8
    """Periods that the moving mean and median look back, and the estimate of lost sales, too."""

    smoothing: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of an error that SES, Croston, SBA and TSB move by; ETS and Theta choose theirs."""

    error_origins: Annotated[int, Field(ge=2)] = 104
    """How many past origins the errors are taken from that a baseline's quantiles are made of."""

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
