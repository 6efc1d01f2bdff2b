"""Settings of the evaluation: what forecasts are judged on, and beside what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.baselines import BaselineSettings
from restock.settings.folds import FoldSettings


class EvaluationSettings(FoldSettings):
    """Which periods are forecast to judge, and which to tune."""

    seasonal_period: Annotated[int, Field(ge=1)] = 1
    """Periods between the two values whose differences scale MASE, RMSSE and SQL; 1: neighbours."""

    baselines: BaselineSettings
    """The simple forecasts to beat."""
