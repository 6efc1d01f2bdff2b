"""Settings of the evaluation: what is scored, by which loss, and which baselines are compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restock.settings.base import Frozen
from restock.settings.baselines import BaselineSettings
from restock.settings.folds import FoldSettings

LossName = Literal["wql", "sql"]


class LossSettings(Frozen):
    """The loss by which everything is decided on the tuning folds."""

    loss: LossName = "sql"
    """What decides the length of a training, the best trial, the weights of the mix and what
    forecasts. ``wql``: quantile loss as a share of demand, so that a unit counts the same in every
    series. ``sql``: quantile loss divided by each series' own naive error, so that every series
    counts the same. Reports show both.
    """

    seasonal_period: Annotated[int, Field(ge=1)] = 1
    """Season m in the scale of MASE, RMSSE and SQL: they divide by differences of values that are
    m periods apart. 1: neighbouring periods.
    """


class EvaluationSettings(FoldSettings, LossSettings):
    """Which periods are used to test and which to tune, the loss, and the baselines."""

    baselines: BaselineSettings
    """The simple forecasts to beat."""
    refit_every_n_folds: Annotated[int, Field(ge=0)] = 0
    """For a long test: after so many test origins, the models are trained again on all periods up
    to the origin, with the settings, steps and choice of the first training. The report shows what
    that gives beside the bundle's own scores. What is promoted is the one bundle. 0: never.
    """
