"""Learn on tuning folds how the network's forecast is mixed with others and calibrated.

Shapes: R rows (a series at one origin), H steps, Q levels, M models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from restock.evaluation.bands import Rows, band_of_steps
from restock.evaluation.metrics import DECILES, level_indices, ranks
from restock.evaluation.selection import forecasts_from
from restock.forecasters.combine import Combination, mix, with_lower_tail
from restock.forecasters.names import BOOSTED_TREES, LSTM
from restock.types.folds import Fold
from restock.types.forecast import DemandForecast, Forecaster
from restock.types.panel import DemandPanel, FloatArray, IntArray

SMALLEST_WEIGHT = 0.05  # a model with a smaller weight is left out, to save time
TOLERANCE = 0.1  # a loss that is 10 % above the lowest divides a model's prior weight by e
DRAW = 0.1  # penalty on loss / lowest loss: this times the squared distance from the prior weights
BELIEF = 40  # with this number of dates, the learned calibration has a weight of one half
# What is believed of each family before the folds are seen; the other baselines share the rest.
FAMILIES = {LSTM: 0.4, BOOSTED_TREES: 0.4}
OTHERS = 0.2
ROWS = 2_000  # rows per fold; more are not needed for a few weights


@dataclass(frozen=True)
class Rehearsal:
    """The forecasts of all models from the origins of a tuning fold, with the actuals.

    A row is a series at one origin.

    Attributes:
        forecasts: Forecasts of R rows by model.
        rows: Their actual demand, and how their errors count.
        series: Row number in the panel of each row's series. Shape ``(R,)``.
    """

    forecasts: Mapping[str, DemandForecast]
    rows: Rows
    series: IntArray

    @property
    def num_dates(self) -> int:
        """Number of periods with known demand: what all series have in common counts once."""
        dates = self.forecasts[LSTM].timestamps
        return len(np.unique(dates[np.isfinite(self.rows.actual)]))

    def take(self, rows: IntArray) -> Rehearsal:
        """Return some rows."""
        forecasts = {name: made.take(rows) for name, made in self.forecasts.items()}
        return Rehearsal(forecasts, self.rows.take(rows), self.series[rows])


def rehearse(
    forecasts: Sequence[DemandForecast],
    others: Mapping[str, Forecaster],
    panel: DemandPanel,
    fold: Fold,
    rows: Sequence[Rows],
) -> Rehearsal:
    """Add the forecasts of other models to the network's forecasts from a tuning fold.

    Args:
        forecasts: The network's forecast from each origin of the fold.
        others: The other models; they are fitted up to the fold's training end.
        panel: The whole panel; nothing after the fold's ``target_end`` is read.
        fold: The fold.
        rows: The rows of each origin.
    """
    made = {LSTM: DemandForecast.stacked(forecasts)}
    for name, model in others.items():
        fitted = model.fit(panel, fold.train_end)
        every = forecasts_from(partial(fitted.predict, panel), fold)
        made[name] = DemandForecast.stacked(every)
    series = np.tile(np.arange(panel.num_series), len(rows))
    return Rehearsal(made, Rows.stacked(rows), series)


def learn_combination(
    rehearsals: Sequence[Rehearsal], weights: dict[str, float] | None = None
) -> Combination:
    """Learn weights, unless they are given, then the calibration of the weighted forecast."""
    weights = weights or learn_weights(rehearsals)
    mixed = [mix(rehearsal.forecasts, weights) for rehearsal in rehearsals]
    levels = np.asarray(mixed[0].levels)
    steps, totals = [], []
    for forecast, rehearsal in zip(mixed, rehearsals, strict=True):
        actual = rehearsal.rows.actual
        running = np.cumsum(actual, axis=1)
        steps.append(_tail_ranks(actual, forecast.quantiles, levels))
        totals.append(_tail_ranks(running, forecast.cumulative, levels))
    dates = sum(one.num_dates for one in rehearsals)
    return Combination(
        weights,
        calibrated_levels(np.concatenate(steps), levels, dates),
        calibrated_levels(np.concatenate(totals), levels, dates),
    )


def _tail_ranks(actual: FloatArray, quantiles: FloatArray, levels: FloatArray) -> FloatArray:
    """Return the ranks of actuals among the quantiles and their extrapolated lower tail."""
    return ranks(actual, *with_lower_tail(quantiles, levels)).ravel()


def learn_weights(rehearsals: Sequence[Rehearsal]) -> dict[str, float]:
    """Return the weights with the lowest loss. They are positive and sum to one.

    The loss is the one that the mix is chosen by. A few folds cannot tell which of two similar
    models is better. So a penalty pulls the weights towards :func:`prior_weights`. The loss is
    convex in the weights.
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
    prior = prior_weights(names, alone / least)

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


def prior_weights(names: Sequence[str], losses: FloatArray) -> FloatArray:
    """Return the weights that are believed before the folds are seen.

    Network and trees have :data:`FAMILIES`. The other baselines share the rest by their own losses:
    10 % more loss divides a weight by e.

    Args:
        names: Names of the models.
        losses: Losses, divided by the lowest one. Shape ``(M,)``.
    """
    weights = np.array([FAMILIES.get(name, 0.0) for name in names])
    others = weights == 0
    if others.any():
        shares = np.exp((losses[others].min() - losses[others]) / TOLERANCE)
        weights[others] = OTHERS * shares / shares.sum()
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
    """Join the points of all rehearsals: quantiles ``(P, 9, M)``, actuals, importances, levels.

    Every band of steps counts as in the test, by its number of steps, however many of the
    rehearsals reach it.
    """
    levels = np.asarray(rehearsals[0].forecasts[LSTM].levels)
    picked = level_indices(levels, DECILES)
    bands = band_of_steps(rehearsals[0].rows.actual.shape[1])
    parts = []
    for band in range(bands[-1] + 1):
        steps = np.flatnonzero(bands == band)
        points = [_points(one, names, steps, picked) for one in rehearsals]
        made, actual, weight, base = (np.concatenate(part) for part in zip(*points, strict=True))
        importance = weight / max(float(base.sum()), 1e-9)
        error = actual[:, None, None] - made
        alone = importance @ pinball_of(error, levels[picked, None]).sum(axis=1)
        if len(actual):
            parts.append((made, actual, importance * len(steps) / _least(alone)))
    made, actual, importance = (np.concatenate(part) for part in zip(*parts, strict=True))
    return made, actual, importance, levels[picked]


def _points(
    rehearsal: Rehearsal, names: list[str], steps: IntArray, picked: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return quantiles ``(P, 9, M)`` of some steps, actual demand, its weight and its base."""
    count = len(rehearsal.rows.actual)
    picked_rows = np.unique(np.linspace(0, count - 1, min(ROWS, count)).astype(int))
    rows = rehearsal.rows.take(picked_rows)
    actual, base = rows.actual[:, steps], rows.base[:, steps]
    known = np.isfinite(actual)
    made = [
        rehearsal.forecasts[name].quantiles[np.ix_(picked_rows, steps, picked)][known]
        for name in names
    ]
    weight = np.broadcast_to(rows.weight[:, None], known.shape)
    return np.stack(made, axis=2), actual[known], weight[known], base[known]


def calibrated_levels(rank: FloatArray, levels: FloatArray, num_dates: int) -> list[float]:
    """Return the level to use instead of each nominal level, so that intervals have their coverage.

    Only the width of the intervals is learned, symmetrically around the median. A bias in a few
    weeks says little about the following weeks. A width is believed by the number of dates, not of
    points, since series rise and fall together.

    Args:
        rank: Ranks of past actuals, from :func:`ranks`.
        levels: Nominal levels.
        num_dates: Number of periods that the ranks are from.
    """
    rank = rank[np.isfinite(rank)]
    if not rank.size:
        return [float(level) for level in levels]
    outward = np.abs(2 * levels - 1)
    found = np.quantile(np.abs(2 * rank - 1), outward)
    share = num_dates / (num_dates + BELIEF)
    found = np.clip(share * found + (1 - share) * outward, 0.0, None)
    moved = 0.5 + np.sign(levels - 0.5) * found / 2
    return [float(level) for level in np.maximum.accumulate(moved)]
