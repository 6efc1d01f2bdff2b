"""Settings of the evaluation: which periods are scored, and which baselines are compared."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.baselines import BaselineSettings
from restock.settings.folds import FoldSettings


class EvaluationSettings(FoldSettings):
    """Which periods are used to test and which to tune, and the baselines."""

    seasonal_period: Annotated[int, Field(ge=1)] = 1
    """Season m in the scale of MASE, RMSSE and SQL: they divide by differences of values that are
    m periods apart. 1: neighbouring periods.
    """

    baselines: BaselineSettings
    """The simple forecasts to beat."""
