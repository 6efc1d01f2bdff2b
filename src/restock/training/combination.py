"""Learn on tuning folds how the network's forecast is mixed with others and calibrated.

Shapes: R rows (a series at one origin), H steps, Q levels, M models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from restock.evaluation.metrics import DECILES, level_indices, naive_scales, pooled_wql, ranks
from restock.forecasters.combine import Combination, mix, with_lower_tail
from restock.forecasters.names import LSTM
from restock.types.folds import Fold
from restock.types.forecast import DemandForecast, Forecaster
from restock.types.panel import DemandPanel, FloatArray

SMALLEST_WEIGHT = 0.05  # a model with a smaller weight is left out, to save time
TOLERANCE = 0.1  # a loss that is 10 % above the lowest divides a model's prior weight by e
DRAW = 0.04  # penalty on loss / lowest loss: this times the squared distance from the prior weights
BELIEF = 500.0  # with this number of points, the learned calibration has a weight of one half
ROWS = 2_000  # rows per fold; more are not needed for a few weights


@dataclass(frozen=True)
class Rehearsal:
    """The forecasts of all models from one tuning origin, with the actuals.

    Attributes:
        forecasts: Forecasts by model.
        actual: Actual demand; NaN is not scored. Shape ``(N, H)``.
        scale: Mean absolute naive error of each series up to the origin; NaN if 0. ``(N,)``.
    """

    forecasts: Mapping[str, DemandForecast]
    actual: FloatArray
    scale: FloatArray


def rehearse(
    forecast: DemandForecast,
    others: Mapping[str, Forecaster],
    panel: DemandPanel,
    fold: Fold,
) -> Rehearsal:
    """Add the forecasts of other models to the network's forecast from a tuning fold.

    Args:
        forecast: The network's forecast.
        others: The other models; they are fitted up to the fold's training end.
        panel: The whole panel.
        fold: A fold with one origin.
    """
    (origins,) = fold.origins
    actual = panel.actuals(origins, forecast.point.shape[1])
    scale, _ = naive_scales(panel.uncensored, origins, 1)
    made = {
        name: model.fit(panel, fold.train_end).predict(panel, np.maximum(origins, 0))
        for name, model in others.items()
    }
    return Rehearsal({LSTM: forecast, **made}, actual, scale)


def held_out_wql(rehearsals: Sequence[Rehearsal]) -> float:
    """Return the mean loss over the folds, each combined with weights learned on the others.

    With a single fold this is not possible: then it is the loss of the network alone.
    """
    losses = []
    for place, rehearsal in enumerate(rehearsals):
        others = [*rehearsals[:place], *rehearsals[place + 1 :]]
        made = rehearsal.forecasts[LSTM]
        if others:
            made = learn_combination(others).apply(rehearsal.forecasts)
        losses.append(pooled_wql(rehearsal.actual, made.quantiles, np.asarray(made.levels)))
    return float(np.mean(losses))


def learn_combination(rehearsals: Sequence[Rehearsal]) -> Combination:
    """Learn weights, then the calibration of the weighted forecast."""
    weights = learn_weights(rehearsals)
    mixed = [mix(rehearsal.forecasts, weights) for rehearsal in rehearsals]
    levels = np.asarray(mixed[0].levels)
    steps, totals = [], []
    for forecast, rehearsal in zip(mixed, rehearsals, strict=True):
        running = np.cumsum(rehearsal.actual, axis=1)
        steps.append(_tail_ranks(rehearsal.actual, forecast.quantiles, levels))
        totals.append(_tail_ranks(running, forecast.cumulative, levels))
    return Combination(
        weights,
        calibrated_levels(np.concatenate(steps), levels),
        calibrated_levels(np.concatenate(totals), levels),
    )


def _tail_ranks(actual: FloatArray, quantiles: FloatArray, levels: FloatArray) -> FloatArray:
    """Return the ranks of actuals among the quantiles and their extrapolated lower tail."""
    return ranks(actual, *with_lower_tail(quantiles, levels)).ravel()


def learn_weights(rehearsals: Sequence[Rehearsal]) -> dict[str, float]:
    """Return the weights with the lowest loss. They are positive and sum to one.

    The loss is one half weighted, one half scaled quantile loss. A few folds cannot tell which of
    two similar models is better. So a penalty pulls the weights towards :func:`prior_weights`. Each
    fold's loss is divided by that of the best single model there, so that folds which are hard to
    forecast do not dominate. The loss is convex in the weights.
    """
    from scipy.optimize import minimize

    names = [LSTM, *(name for name in rehearsals[0].forecasts if name != LSTM)]
    forecasts, actual, importance, levels = _stacked(rehearsals, names)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        error = actual[:, None] - forecasts @ weights
        slope = np.where(error > 0, -levels, 1.0 - levels) * importance[:, None]
        value = np.sum(pinball_of(error, levels) * importance[:, None])
        return float(value), np.einsum("rq,rqm->m", 2 * slope, forecasts)

    alone = np.array([loss(one)[0] for one in np.eye(len(names))])
    least = _least(alone)  # not zero, even if demand is constant and the loss is zero
    prior = prior_weights(alone / least)

    def drawn(weights: FloatArray) -> tuple[float, FloatArray]:
        value, slope = loss(weights)
        away = weights - prior
        return value / least + DRAW * float(away @ away), slope / least + 2 * DRAW * away

    found = minimize(
        drawn,
        prior,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * len(names),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like},
    )
    kept = np.where(found.x >= SMALLEST_WEIGHT, found.x, 0.0)
    kept = np.round(kept / kept.sum(), 4)
    return {name: float(weight) for name, weight in zip(names, kept, strict=True) if weight > 0}


def prior_weights(losses: FloatArray) -> FloatArray:
    """Return weights that depend on each model's own loss: 10 % more loss divides them by e.

    Args:
        losses: Losses, divided by the lowest one. Shape ``(M,)``.
    """
    weights = np.exp((losses.min() - losses) / TOLERANCE)
    return weights / weights.sum()


def _least(losses: FloatArray) -> float:
    """Return the lowest loss, but at least a thousandth of the highest: a divisor must not be 0."""
    return max(float(losses.min()), 1e-3 * float(losses.max()), 1e-12)


def pinball_of(error: FloatArray, levels: FloatArray) -> FloatArray:
    """Return twice the pinball loss of errors (actual minus quantile), level by level."""
    return 2 * np.maximum(levels * error, (levels - 1) * error)


def _stacked(
    rehearsals: Sequence[Rehearsal], names: list[str]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Join the points of all rehearsals: quantiles ``(P, 9, M)``, actuals, importances, levels."""
    forecasts, actuals, importances = [], [], []
    levels = np.asarray(rehearsals[0].forecasts[LSTM].levels)
    picked = level_indices(levels, DECILES)
    for rehearsal in rehearsals:
        every = np.linspace(0, len(rehearsal.actual) - 1, min(ROWS, len(rehearsal.actual)))
        rows = np.unique(every.astype(int))
        actual = rehearsal.actual[rows]
        known = np.isfinite(actual)
        scaled = np.nan_to_num(1.0 / rehearsal.scale[rows], nan=0.0)[:, None] * known
        total = max(float(np.nansum(actual)), 1e-9)
        # The importance of a point: 1 / total demand, plus the same for demand over its scale.
        importance = known / total + scaled / max(
            float((scaled * actual.clip(0))[known].sum()), 1e-9
        )
        parts = [rehearsal.forecasts[name].quantiles[rows][:, :, picked] for name in names]
        made = np.stack(parts, axis=3)[known]
        error = actual[known][:, None, None] - made
        alone = importance[known] @ pinball_of(error, levels[picked, None]).sum(axis=1)
        forecasts.append(made)
        actuals.append(actual[known])
        importances.append(importance[known] / _least(alone))
    return (
        np.concatenate(forecasts),
        np.concatenate(actuals),
        np.concatenate(importances),
        levels[picked],
    )


def calibrated_levels(rank: FloatArray, levels: FloatArray) -> list[float]:
    """Return the level to use instead of each nominal level, so that intervals have their coverage.

    Only the width of the intervals is learned, symmetrically around the median. A bias in a few
    weeks says little about the following weeks.

    Args:
        rank: Ranks of past actuals, from :func:`ranks`.
        levels: Nominal levels.
    """
    rank = rank[np.isfinite(rank)]
    if not rank.size:
        return [float(level) for level in levels]
    outward = np.abs(2 * levels - 1)
    found = np.quantile(np.abs(2 * rank - 1), outward)
    share = rank.size / (rank.size + BELIEF)
    found = np.clip(share * found + (1 - share) * outward, 0.0, None)
    moved = 0.5 + np.sign(levels - 0.5) * found / 2
    return [float(level) for level in np.maximum.accumulate(moved)]
