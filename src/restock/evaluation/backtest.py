"""Backtests: compare forecasts with actuals; scores in total, by origin, step and segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from restock.evaluation.metrics import ScoredPoints, naive_scales, score
from restock.types.folds import Fold
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray

Scores = dict[str, float]
MOST_CATEGORIES = 12  # a static column with more is not used for segments


@dataclass(frozen=True)
class Backtest:
    """One model's forecasts from the origins of a fold, with the actuals.

    A row is a series at one origin; series that take no part at an origin have no row there.

    Attributes:
        points: Forecasts and actuals of R rows.
        series: Row number in the panel of each row's series. Shape ``(R,)``.
        origin: Number of each row's origin in the fold, from 0. Shape ``(R,)``.
        forecasts: The forecast of all series at each origin.
    """

    points: ScoredPoints
    series: IntArray
    origin: IntArray
    forecasts: tuple[DemandForecast, ...]

    def scores(self) -> Scores:
        """Score all rows together. Returns each metric by name; see :func:`metrics.score`."""
        return score(self.points)

    def by_origin(self) -> list[Scores]:
        """Score each origin separately, oldest first."""
        return [score(self.points.select(self.origin == n)) for n in np.unique(self.origin)]

    def by_step(self) -> list[Scores]:
        """Score each step of the horizon separately."""
        every = slice(None)
        horizon = self.points.actual.shape[1]
        return [score(self.points.select(every, slice(h, h + 1))) for h in range(horizon)]

    def by_segment(self, segment: np.ndarray) -> dict[str, Scores]:
        """Score each group of series separately.

        Args:
            segment: Name of each series' group, such as one of :func:`segments`. Shape ``(N,)``.

        Returns:
            Metrics by group.
        """
        label = segment[self.series]
        return {str(name): score(self.points.select(label == name)) for name in np.unique(label)}


Predict = Callable[[IntArray], DemandForecast]


def run_backtest(
    predict: Predict, panel: DemandPanel, fold: Fold, seasonal_period: int
) -> Backtest:
    """Forecast from every origin of a fold, without refitting, and compare with the actuals.

    A period without observed demand, or with a stock-out that may have hidden it, is not scored.

    Args:
        predict: Takes one origin per series, shape ``(N,)``, and returns a forecast of all series.
            For a fitted model: ``partial(model.predict, panel)``.
        panel: The panel with the actuals.
        fold: The fold with the origins.
        seasonal_period: Season m of the scaled metrics, in periods; 1: neighbouring periods.

    Returns:
        Forecasts and actuals, which can be scored.
    """
    parts: list[ScoredPoints] = []
    rows: list[IntArray] = []
    numbers: list[IntArray] = []
    forecasts = []
    demand = panel.uncensored
    for number, origins in enumerate(fold.origins):
        forecast = predict(np.maximum(origins, 0))
        forecasts.append(forecast)
        kept = np.flatnonzero(origins >= 0)
        scale, squared = naive_scales(demand[kept], origins[kept], seasonal_period)
        actual = fold.actuals(panel, number, forecast.point.shape[1], kept)
        parts.append(
            ScoredPoints(
                actual,
                forecast.point[kept],
                forecast.quantiles[kept],
                np.cumsum(actual, axis=1),
                forecast.cumulative[kept],
                forecast.levels,
                scale,
                squared,
            )
        )
        rows.append(kept)
        numbers.append(np.full(len(kept), number))
    return Backtest(
        _concatenate(parts), np.concatenate(rows), np.concatenate(numbers), tuple(forecasts)
    )


def forecast_table(backtest: Backtest, panel: DemandPanel) -> pd.DataFrame:
    """Return one row per series, origin and step: demand and the deciles q0.1 to q0.9."""
    tables = []
    for number, forecast in enumerate(backtest.forecasts):
        picked = backtest.origin == number
        kept, horizon = backtest.series[picked], forecast.point.shape[1]
        columns = {
            "series_id": np.repeat(panel.series_id[kept], horizon),
            "forecast_origin": np.repeat(forecast.origin[kept], horizon),
            "timestamp": forecast.timestamps[kept].ravel(),
            "step": np.tile(np.arange(1, horizon + 1), len(kept)),
            "demand": backtest.points.actual[picked].ravel(),
        }
        for level in np.arange(1, 10) / 10:
            columns[f"q{level:.1f}"] = forecast.at(level)[kept].ravel()
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def largest(panel: DemandPanel, backtest: Backtest, count: int) -> IntArray:
    """Return the series that sell most, of those with a forecast from the first origin."""
    first = backtest.series[backtest.origin == 0]
    volume = np.nansum(panel.demand[first], axis=1)
    return first[np.argsort(-volume, kind="stable")[:count]]


def segments(panel: DemandPanel, train_end: IntArray) -> Mapping[str, np.ndarray]:
    """Group series by volume, by demand pattern and by each of their categories.

    ``volume``: A, B, C for the series that make up 80 %, the next 15 % and the last 5 % of units.
    ``pattern``: smooth, erratic, intermittent or lumpy, by the mean interval between demands (limit
    1.32) and the squared coefficient of variation of their sizes (limit 0.49) (Syntetos, Boylan and
    Croston, 2005). Both use periods up to ``train_end`` only. Each static column of text with at
    most :data:`MOST_CATEGORIES` values is also a grouping.

    Returns:
        Group of each series by grouping. Each ``(N,)``.
    """
    known = np.arange(panel.num_steps)[None, :] <= train_end[:, None]
    past = np.where(known, panel.demand, np.nan)
    seen = np.isfinite(past).sum(axis=1)
    hits = np.nan_to_num(past) > 0
    count = hits.sum(axis=1)
    size = np.where(hits, past, 0.0)
    mean = size.sum(axis=1) / np.maximum(count, 1)
    variance = (hits * (size - mean[:, None]) ** 2).sum(axis=1) / np.maximum(count, 1)
    interval = seen / np.maximum(count, 1)
    variation = variance / np.maximum(mean, 1e-12) ** 2
    pattern = np.select(
        [count == 0, (interval < 1.32) & (variation < 0.49), interval < 1.32, variation < 0.49],
        ["no demand", "smooth", "erratic", "intermittent"],
        default="lumpy",
    )
    total = size.sum(axis=1)
    order = np.argsort(-total, kind="stable")
    share = np.empty_like(total)
    share[order] = np.cumsum(total[order]) / max(total.sum(), 1e-12)
    volume = np.select([share <= 0.8, share <= 0.95], ["A", "B"], default="C")
    return {"volume": volume, "pattern": pattern, **_categories(panel)}


def _categories(panel: DemandPanel) -> dict[str, np.ndarray]:
    texts = panel.static.select_dtypes(exclude="number").astype(str)
    few = [name for name in texts if 1 < texts[name].nunique() <= MOST_CATEGORIES]
    return {str(name): texts[name].to_numpy() for name in few}


def _concatenate(parts: list[ScoredPoints]) -> ScoredPoints:
    return ScoredPoints(
        np.concatenate([part.actual for part in parts]),
        np.concatenate([part.point for part in parts]),
        np.concatenate([part.quantiles for part in parts]),
        np.concatenate([part.total for part in parts]),
        np.concatenate([part.cumulative for part in parts]),
        parts[0].levels,
        np.concatenate([part.scale for part in parts]),
        np.concatenate([part.squared_scale for part in parts]),
    )
