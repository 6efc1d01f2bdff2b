"""The page of an evaluation: which model was chosen, how it scored, and beside what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from restock.evaluation.backtest import Backtest, largest
from restock.evaluation.metrics import CARDS, ScoredPoints, reached_shares
from restock.pages.choice import choice_sections
from restock.pages.looks import INK, Look, looks
from restock.pages.plots import Band, Line, Panel, Plot
from restock.pages.shell import Page, Section
from restock.pages.tables import MISSING, Table, table
from restock.types.folds import Folds
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel

HISTORY_SHOWN = 40  # periods before the first origin
SERIES_SHOWN = 6
INTERVALS = ((0.05, 0.95, 0.15), (0.1, 0.9, 0.2), (0.25, 0.75, 0.3))  # levels, opacity
CHOSEN_WIDTH = 3.0
FIRST = ("model", "sql", "wql", "wape", "bias", "coverage_80")  # the columns that come first
BARS = ("sql", "wql", "wape")
LOSSES = {"sql": "scaled quantile loss", "wql": "weighted quantile loss"}


def evaluation_page(
    report: Mapping[str, Any],
    board: pd.DataFrame,
    panel: DemandPanel,
    backtests: Mapping[str, Backtest],
    *,
    folds: Folds,
    by_segment: pd.DataFrame,
    inputs: pd.DataFrame,
) -> Page:
    """Return the page of an evaluation.

    Args:
        report: What metrics.json says.
        board: The leaderboard, one row a model, best first.
        panel: The history behind it.
        backtests: Each model's forecasts from the test origins.
        folds: Where the history was cut.
        by_segment: A row per kind of segment, segment and model.
        inputs: What each input of the network is worth.
    """
    points = {name: test.points for name, test in backtests.items()}
    by_step = {name: [s["wql"] for s in test.by_step()] for name, test in backtests.items()}
    chosen = report["chosen"]
    return Page(
        "Evaluation",
        (
            f"Chosen on the tuning folds: {chosen}. All scores here are from the test folds, which "
            f"no model and no setting has seen.",
            *report["notes"],
        ),
        (
            Section("Leaderboard", (_leaderboard(board, report["seasonal_period"]),)),
            Section(
                "Forecasts",
                (forecasts_plot(panel, backtests[chosen], chosen),),
                f"The {SERIES_SHOWN} series that sell most, as {chosen} forecast them.",
            ),
            Section(
                "By step",
                (_by_step_plot(by_step, chosen),),
                "How the loss grows with the periods ahead.",
            ),
            Section(
                "Calibration",
                (_calibration_plot(points, chosen),),
                "Of demand, 80 % should stay at or below the 0.8 quantile. On the diagonal, a "
                "model keeps its word; below it, its quantiles are too low.",
            ),
            *_segment_sections(by_segment),
            *choice_sections(report, panel, folds),
            Section(
                "What the forecast reads",
                (_importance(inputs),),
                "Each input of the network, taken away by permutation.",
            ),
        ),
        _facts(report, board, backtests[chosen]),
    )


def _facts(report: Mapping[str, Any], board: pd.DataFrame, test: Backtest) -> dict[str, str]:
    scores, by = report["models"][report["chosen"]], report["chosen_by"]
    others = board[board["model"] != report["chosen"]]
    facts = {
        "chosen": report["chosen"],
        LOSSES[by]: _shown(scores[by]),
        "WAPE": _shown(scores["wape"]),
        "in the 80 % interval": _percent(scores["coverage_80"]),
        "horizon": f"{report['horizon']} periods",
        "series": str(len(np.unique(test.series))),
        "test origins": str(len(test.forecasts)),
    }
    if report["refitted"]:
        again, times = report["refitted"]["scores"], len(report["refitted"]["origins"])
        facts["the same, trained again"] = f"{_shown(again[by])} ({times} more trainings)"
    if len(others):
        best = others.iloc[0]
        facts["best other model"] = f"{best['model']} {_shown(best[by])}"
    return facts


def _shown(value: float | None) -> str:
    return MISSING if value is None or not np.isfinite(value) else f"{value:.4f}"


def _percent(value: float | None) -> str:
    return MISSING if value is None else f"{value:.0%}"


def _leaderboard(board: pd.DataFrame, seasonal_period: int) -> Table:
    meanings = {card.name: card.unit for card in CARDS}
    for name in ("mase", "rmsse", "sql"):
        meanings[name] += f": of differences {seasonal_period} period(s) apart"
    numbers = board.astype({card.name: float for card in CARDS})
    numbers = numbers[[*FIRST, *(name for name in numbers if name not in FIRST)]]
    return table(
        numbers, "All models on the test folds", shown="{:.4f}", bars=BARS, meanings=meanings
    )


def _by_step_plot(losses: Mapping[str, list[float]], chosen: str) -> Plot:
    steps = range(1, len(next(iter(losses.values()))) + 1)
    panel = Panel("", [f"{step}" for step in steps], _lines(losses, chosen))
    frame = pd.DataFrame({"periods ahead": list(map(float, steps)), **losses})
    numbers = table(frame, "Weighted quantile loss by periods ahead")
    return Plot(
        "Weighted quantile loss by periods ahead",
        "periods ahead",
        "weighted quantile loss",
        (panel,),
        numbers,
    )


def _calibration_plot(points: Mapping[str, ScoredPoints], chosen: str) -> Plot:
    shares = {n: reached_shares(p.actual, p.quantiles) for n, p in points.items()}
    levels = next(iter(points.values())).levels
    panel = Panel("", list(levels), _lines(shares, chosen))
    numbers = table(
        pd.DataFrame({"level": levels, **shares}), "Share of demand at or below each quantile"
    )
    return Plot(
        "Share of demand at or below each quantile, against the quantile's level",
        "quantile level",
        "share of demand at or below it",
        (panel,),
        numbers,
        is_square=True,
    )


def _lines(values: Mapping[str, Any], chosen: str) -> tuple[Line, ...]:
    """Return a line a model; the chosen one is the widest."""
    drawn = looks(values)
    return tuple(
        Line(name, found, drawn[name], width=CHOSEN_WIDTH if name == chosen else 1.6)
        for name, found in values.items()
    )


def forecasts_plot(panel: DemandPanel, backtest: Backtest, name: str) -> Plot:
    """Return the forecasts of the series that sell most, from every test origin."""
    look = looks([name])[name]
    shown = largest(panel, backtest, SERIES_SHOWN)
    panels = tuple(_fan(panel, backtest, int(series), look) for series in shown)
    numbers = pd.concat([_fan_numbers(panel, f, shown) for f in backtest.forecasts])
    return Plot(
        "Demand, and the forecast from each test origin: its point and its 50, 80 and 90 % "
        "intervals",
        "period",
        panel.unit,
        panels,
        table(numbers, "Demand and forecasts"),
    )


def _fan(panel: DemandPanel, backtest: Backtest, series: int, look: Look) -> Panel:
    origin = backtest.forecasts[0].origin[series]
    begin = max(int(np.searchsorted(panel.timestamps, origin)) - HISTORY_SHOWN, 0)
    periods = panel.timestamps.to_numpy()[begin:]
    demand = Line("demand", panel.demand[series, begin:], INK)
    points, bands = [demand], []
    for forecast in backtest.forecasts:
        start = int(np.searchsorted(periods, forecast.timestamps[series, 0]))
        points.append(Line("forecast", forecast.point[series], look, start, 2.4))
        bands += list(_bands(forecast, series, look, start))
    return Panel(str(panel.series_id[series]), _dates(periods), tuple(points), tuple(bands))


def _bands(forecast: DemandForecast, series: int, look: Look, start: int) -> Iterator[Band]:
    for low, high, opacity in INTERVALS:
        name = f"{100 * (high - low):.0f} % interval"
        bounds = forecast.at(low)[series], forecast.at(high)[series]
        yield Band(name, *bounds, look, start, opacity)


def _dates(periods: NDArray[np.datetime64]) -> list[str]:
    """Return dates; with the time of day where periods are shorter than one."""
    times = pd.DatetimeIndex(periods)
    return list(
        times.strftime("%Y-%m-%d" if (times == times.normalize()).all() else "%Y-%m-%d %H:%M")
    )


def _fan_numbers(panel: DemandPanel, forecast: DemandForecast, shown: np.ndarray) -> pd.DataFrame:
    horizon = forecast.point.shape[1]
    places = np.searchsorted(panel.timestamps, forecast.timestamps[shown].ravel())
    known = np.minimum(places, panel.num_steps - 1)
    rows = np.repeat(shown, horizon)
    return pd.DataFrame(
        {
            "series": panel.series_id[rows].astype(str),
            "origin": np.repeat(_dates(forecast.origin[shown]), horizon),
            "period": _dates(forecast.timestamps[shown].ravel()),
            "demand": np.where(places < panel.num_steps, panel.demand[rows, known], np.nan),
            "forecast": forecast.point[shown].ravel(),
            "10 %": forecast.at(0.1)[shown].ravel(),
            "90 %": forecast.at(0.9)[shown].ravel(),
        }
    )


def _segment_sections(by_segment: pd.DataFrame) -> Iterator[Section]:
    for kind, rows in by_segment.groupby("kind", sort=False):
        cut = rows.pivot_table(index="model", columns="segment", values="wql", sort=False)
        caption = f"Weighted quantile loss by {kind}, test folds"
        yield Section(f"By {kind}", (table(cut.reset_index(), caption, shown="{:.4f}"),))


def _importance(inputs: pd.DataFrame) -> Table:
    meanings = {
        "wql_rise": "how much the weighted quantile loss rises without this input",
        "moves": "how far the median moves without it, in demand levels, on average",
    }
    bars = tuple(meanings)
    return table(inputs, "Inputs of the network", bars=bars, meanings=meanings)
