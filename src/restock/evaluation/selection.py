"""Choose a model: the one with the lowest weighted quantile loss on the tuning folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from restock.data.folds import make_folds
from restock.errors import IntegrityError
from restock.evaluation.backtest import Predict, run_backtest
from restock.settings.folds import FoldSettings
from restock.types.folds import Fold, Folds
from restock.types.forecast import DemandForecast, Forecaster
from restock.types.panel import DemandPanel

# Without a tuning fold, models cannot be compared. Then this robust simple forecast is chosen.
FALLBACK = "moving_median"


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
    (origins,) = fold.origins
    return bool(np.nansum(panel.actuals(origins, horizon)) > 0)


def fold_wql(predict: Predict, panel: DemandPanel, fold: Fold) -> float:
    """Return the weighted quantile loss of forecasts from a fold's origins."""
    return run_backtest(predict, panel, fold, 1).scores()["wql"]


def forecast_wql(forecast: DemandForecast, panel: DemandPanel, fold: Fold) -> float:
    """Return the weighted quantile loss of a forecast made from a fold's only origin."""
    return fold_wql(lambda _: forecast, panel, fold)


def tuning_wql(forecaster: Forecaster, panel: DemandPanel, folds: Folds) -> float | None:
    """Fit on each tuning fold and return the mean loss; None if there are no folds."""
    if not folds.tuning:
        return None
    losses = []
    for fold in folds.tuning:
        fitted = forecaster.fit(panel, fold.train_end)
        losses.append(fold_wql(partial(fitted.predict, panel), panel, fold))
    return float(np.mean(losses))


def choose(tuning: Mapping[str, float | None]) -> str:
    """Return the model with the lowest loss on the tuning folds.

    If no model has a loss: :data:`FALLBACK`, or the first model if that is not in the report.
    """
    known = {name: loss for name, loss in tuning.items() if loss is not None and np.isfinite(loss)}
    if known:
        return min(known, key=known.__getitem__)
    return FALLBACK if FALLBACK in tuning else next(iter(tuning))


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
