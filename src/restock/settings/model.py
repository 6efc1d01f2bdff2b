"""Settings of the network: its size, its output and its quantile levels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from restock.settings.base import Floats, Frozen

# What the network outputs: quantiles, or the parameters of a distribution of counts.
Likelihood = Literal["quantiles", "negative_binomial", "zero_inflated_negative_binomial"]
# Number of parameters of each distribution of counts.
COUNTS: dict[str, int] = {"negative_binomial": 2, "zero_inflated_negative_binomial": 3}

# The deciles are scored (weighted quantile loss, SQL); the pairs around them are the 50/80/90 %
# intervals whose coverage is reported.
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
REPORTED_LEVELS = tuple(sorted({*DECILES, 0.05, 0.25, 0.75, 0.95}))


class ModelSettings(Frozen):
    """The network."""

    name: Literal["lstm"] = "lstm"
    """Which network. So far there is only one."""

    likelihood: Likelihood = "quantiles"
    """What the network outputs: quantiles (for any demand), or the parameters of a distribution
    of counts (for demand in whole units).
    """

    units: Annotated[int, Field(ge=1)] = 64
    """Width of the LSTM and of the decoder."""

    num_layers: Annotated[int, Field(ge=1, le=8)] = 1
    """Number of stacked LSTM layers."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Dropout between layers: the share of values that each training step sets to 0."""

    recurrent_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout of the state that an LSTM layer passes from one period to the next, as a share."""

    embedding_size: Annotated[int, Field(ge=1)] = 8
    """Size of the embedding: learned numbers for each category of a static text column."""

    quantile_levels: Floats = (*REPORTED_LEVELS, 0.975, 0.99)
    """Quantile levels that are forecast, in rising order. They must contain all deciles and 0.05,
    0.25, 0.75 and 0.95, which the reports need. The highest ones are for stock.
    """

    @model_validator(mode="after")
    def _levels(self) -> ModelSettings:
        levels = self.quantile_levels
        if not levels or list(levels) != sorted(set(levels)) or not 0 < levels[0] < levels[-1] < 1:
            raise ValueError("quantile_levels must rise strictly, inside (0, 1)")
        missing = [q for q in REPORTED_LEVELS if q not in levels]
        if missing:
            raise ValueError(f"quantile_levels must contain {missing}: the reports need them")
        return self
