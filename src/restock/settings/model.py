"""Settings of the network: its size, what it answers, and at which quantile levels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from restock.settings.base import Floats, Frozen

# What a network's answers are: quantiles as such, or the parameters of a distribution of counts.
Likelihood = Literal["quantiles", "negative_binomial", "zero_inflated_negative_binomial"]
# How many parameters a distribution of counts has.
COUNTS: dict[str, int] = {"negative_binomial": 2, "zero_inflated_negative_binomial": 3}

# The deciles are scored (weighted quantile loss, SQL); the pairs around them are the 50/80/90 %
# intervals whose coverage is reported.
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
REPORTED_LEVELS = tuple(sorted({*DECILES, 0.05, 0.25, 0.75, 0.95}))


class ModelSettings(Frozen):
    """The network."""

    name: Literal["lstm"] = "lstm"
    """Which network; there is one."""

    likelihood: Likelihood = "quantiles"
    """What the network answers: quantiles of any demand, or a distribution of whole units."""

    units: Annotated[int, Field(ge=1)] = 64
    """Width of the LSTM and of the decoder."""

    num_layers: Annotated[int, Field(ge=1, le=8)] = 1
    """LSTM layers, one upon the other."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of the values between layers that each training step sets to 0."""

    recurrent_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The same share, of what an LSTM layer hands on from period to period."""

    embedding_size: Annotated[int, Field(ge=1)] = 8
    """How many learned numbers stand for one category of a static text column."""

    quantile_levels: Floats = (*REPORTED_LEVELS, 0.975, 0.99)
    """Levels that are forecast, rising; all deciles and 0.05, 0.25, 0.75 and 0.95 must be among
    them, and the top ones serve stock.
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
