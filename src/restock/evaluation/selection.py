"""Tuning folds that can rank models, forecasts from their origins, and the bundle of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from restock.data.folds import make_folds
from restock.errors import IntegrityError
from restock.evaluation.backtest import Predict
from restock.settings.folds import FoldSettings
from restock.types.folds import Fold, Folds
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel


def folds_with_demand(panel: DemandPanel, settings: FoldSettings) -> Folds:
    """Cut the panel. Tuning folds without any demand are left out: they cannot rank models."""
    folds = make_folds(panel, settings)
    kept = tuple(fold for fold in folds.tuning if _has_demand(panel, fold, folds.horizon))
    missing = len(folds.tuning) - len(kept)
    if not missing:
        return folds
    note = f"{missing} tuning fold(s) left out: nothing was sold in them."
    return replace(folds, tuning=kept, notes=(*folds.notes, note))


def _has_demand(panel: DemandPanel, fold: Fold, horizon: int) -> bool:
    numbers = range(len(fold.origins))
    return any(np.nansum(fold.actuals(panel, number, horizon)) > 0 for number in numbers)


def forecasts_from(predict: Predict, fold: Fold) -> list[DemandForecast]:
    """Forecast all series from each origin of a fold.

    Series that take no part (-1) are forecast from position 0, so that every row has a forecast.
    """
    return [predict(np.maximum(origins, 0)) for origins in fold.origins]


def check_scored(report: Mapping[str, Any], bundle: str) -> None:
    """Refuse a report about another bundle.

    Raises:
        IntegrityError: If the digests differ. The message names both.
    """
    if report["bundle"] != bundle:
        raise IntegrityError(
            f"metrics.json scored bundle {report['bundle'][:12]}, but the bundle here is "
            f"{bundle[:12]}. Run `restock evaluate` again first."
        )
