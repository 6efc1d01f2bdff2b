"""Which model is used: the one with the lowest weighted quantile loss on the tuning folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from restock.evaluation.metrics import ScoredPoints, naive_scales, score
from restock.types.folds import Fold, Folds
from restock.types.forecast import DemandForecast, FittedForecaster
from restock.types.panel import DemandPanel, IntArray

# With no tuning fold nothing can be compared: the sturdiest simple forecast is used.
FALLBACK = "moving_median"


def fold_wql(
    predict: Callable[[IntArray], DemandForecast], panel: DemandPanel, fold: Fold
) -> float:
    """Return the weighted quantile loss of forecasts from a tuning fold's origin."""
    (origins,) = fold.origins
    forecast = predict(np.maximum(origins, 0))
    kept = np.flatnonzero(origins >= 0)
    steps = np.arange(1, forecast.point.shape[1] + 1)
    actual = panel.demand[kept[:, None], origins[kept, None] + steps]
    scale, squared = naive_scales(panel.demand[kept], origins[kept], 1)
    points = ScoredPoints(
        actual, forecast.point[kept], forecast.quantiles[kept], forecast.levels, scale, squared
    )
    return score(points)["wql"]


def tuning_wql(model: FittedForecaster, panel: DemandPanel, folds: Folds) -> float | None:
    """Return a model's mean loss over the tuning folds; None where there is no fold."""
    if not folds.tuning:
        return None
    losses = [
        fold_wql(lambda origins: model.predict(panel, origins), panel, fold)
        for fold in folds.tuning
    ]
    return float(np.mean(losses))


def choose(tuning: Mapping[str, float | None]) -> str:
    """Return the model with the lowest loss on the tuning folds."""
    known = {name: loss for name, loss in tuning.items() if loss is not None and np.isfinite(loss)}
    return min(known, key=known.__getitem__) if known else FALLBACK
