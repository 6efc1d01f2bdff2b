"""Pictures and the page of an evaluation."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from restock.evaluation.backtest import Backtest
from restock.evaluation.metrics import ScoredPoints, reached_shares
from restock.forecasters.names import LSTM
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel

ACCENT, QUIET = "#1f6feb", "#9aa4b2"
INPUTS_SHOWN = 20
HISTORY_SHOWN = 40  # periods before the origin in a fan chart


def leaderboard_bars(path: Path, models: Mapping[str, Mapping[str, Any]], chosen: str) -> None:
    """Draw each model's weighted quantile loss and WAPE, the best on top."""
    ordered = sorted(models, key=lambda name: _known(models[name]["wql"]), reverse=True)
    figure, axes = plt.subplots(1, 2, figsize=(9, 0.45 * len(ordered) + 1.4), sharey=True)
    titles = {"wql": "weighted quantile loss", "wape": "WAPE (point forecast)"}
    for axis, (metric, title) in zip(axes, titles.items(), strict=True):
        values = pd.Series([models[name][metric] for name in ordered], dtype=float)
        colors = [ACCENT if name == chosen else QUIET for name in ordered]
        bars = axis.barh(ordered, values, color=colors)
        axis.bar_label(bars, fmt="%.3f", padding=3, fontsize=8)
        axis.set_title(f"{title}, test folds", fontsize=10)
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def _known(value: float | None) -> float:
    return np.inf if value is None else value


def loss_by_step(path: Path, losses: Mapping[str, list[float]]) -> None:
    """Draw the weighted quantile loss of each step ahead."""
    figure, axis = plt.subplots(figsize=(7, 4))
    for name, values in losses.items():
        style = {"color": ACCENT, "lw": 2.5} if name == LSTM else {"lw": 1.2}
        axis.plot(range(1, len(values) + 1), values, marker="o", ms=3, label=name, **style)
    axis.set_xlabel("periods ahead")
    axis.set_ylabel("weighted quantile loss")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=8, ncols=2)
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def calibration(path: Path, points: Mapping[str, ScoredPoints], chosen: str) -> None:
    """Draw how often demand stayed at or below each quantile, against how often it should."""
    figure, axis = plt.subplots(figsize=(5, 5))
    axis.plot([0, 1], [0, 1], color="black", lw=0.8, ls="--")
    for name, scored in points.items():
        share = reached_shares(scored.actual, scored.quantiles)
        style = {"color": ACCENT, "lw": 2.5} if name == chosen else {"lw": 1.0, "alpha": 0.8}
        axis.plot(scored.levels, share, marker="o", ms=3, label=name, **style)
    axis.set_xlabel("quantile level")
    axis.set_ylabel("share of demand at or below it")
    axis.legend(fontsize=8)
    axis.set_aspect("equal")
    save_figure(figure, path)


def importance_bars(path: Path, table: pd.DataFrame) -> None:
    """Draw how much worse, and how different, forecasts become without each input."""
    shown = table.head(INPUTS_SHOWN)[::-1]
    figure, axes = plt.subplots(1, 2, figsize=(9, 0.25 * len(shown) + 1.4), sharey=True)
    titles = {
        "wql_rise": "rise of the weighted quantile loss",
        "moves": "mean move of the median, in demand scales",
    }
    for axis, (column, title) in zip(axes, titles.items(), strict=True):
        axis.barh(shown["input"], shown[column], color=ACCENT)
        axis.set_title(title, fontsize=10)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def effect_bars(path: Path, table: pd.DataFrame, title: str) -> None:
    """Draw what each input adds to one series' forecast, the strongest on top."""
    shown = table.head(INPUTS_SHOWN)[::-1]
    figure, axis = plt.subplots(figsize=(7, 0.25 * len(shown) + 1.4))
    axis.barh(shown["input"], shown["effect"], color=ACCENT)
    axis.axvline(0.0, color="black", lw=0.8)
    axis.set_title(title, fontsize=10)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def fan_charts(path: Path, panel: DemandPanel, backtest: Backtest, num_series: int = 6) -> None:
    """Draw the chosen model's forecasts of the largest series from every test origin."""
    first = backtest.series[backtest.origin == 0]
    volume = np.nansum(panel.demand[first], axis=1)
    shown = first[np.argsort(-volume, kind="stable")[:num_series]]
    rows = -(-len(shown) // 2)
    figure, grid = plt.subplots(rows, 2, figsize=(11, 2.6 * rows), squeeze=False)
    for axis in grid.ravel()[len(shown) :]:
        axis.set_visible(False)
    for axis, series in zip(grid.ravel(), shown, strict=False):
        origin = backtest.forecasts[0].origin[series]
        begin = np.searchsorted(panel.timestamps, origin) - HISTORY_SHOWN
        past = slice(max(int(begin), 0), panel.num_steps)
        axis.plot(panel.timestamps[past], panel.demand[series, past], color="black", lw=1)
        for forecast in backtest.forecasts:
            _fan(axis, forecast, int(series))
        axis.set_title(str(panel.series_id[series]), fontsize=9)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Demand (black) and forecast with 50, 80 and 90 % intervals", fontsize=10)
    save_figure(figure, path)


def _fan(axis: Axes, forecast: DemandForecast, series: int) -> None:
    ahead = pd.DatetimeIndex(forecast.timestamps[series])
    for low, high, alpha in ((0.05, 0.95, 0.15), (0.1, 0.9, 0.2), (0.25, 0.75, 0.3)):
        bounds = forecast.at(low)[series], forecast.at(high)[series]
        axis.fill_between(ahead, *bounds, color=ACCENT, alpha=alpha, lw=0)
    axis.plot(ahead, forecast.point[series], color=ACCENT, lw=1.6)


def write_page(
    path: Path,
    report: Mapping[str, Any],
    table: pd.DataFrame,
    by_segment: pd.DataFrame,
) -> None:
    """Write the evaluation as one page beside its pictures."""
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>restock evaluation</title>",
        f"<style>{STYLE}</style><h1>Evaluation</h1>",
        f"<p>Chosen on the tuning folds: <b>{html.escape(report['chosen'])}</b>. Horizon "
        f"{report['horizon']} periods; MASE, RMSSE and SQL are scaled by differences "
        f"{report['seasonal_period']} period(s) apart.</p>",
        *(f"<p>{html.escape(note)}</p>" for note in report["notes"]),
        "<h2>Leaderboard, test folds</h2>",
        table.to_html(index=False, float_format="{:.4f}".format, border=0),
        "<img src='leaderboard.png' alt='loss of each model'>",
        "<h2>Forecasts</h2><img src='forecasts.png' alt='forecasts and demand'>",
        "<h2>By step</h2><img src='loss_by_step.png' alt='loss by periods ahead'>",
        "<h2>What the forecast reads</h2>",
        "<p>Each input of the LSTM's bundle, taken away by permutation.</p>",
        "<img src='importance.png' alt='loss and forecasts without each input'>",
        "<h2>Calibration</h2><img src='calibration.png' alt='quantile levels against shares'>",
    ]
    for kind, rows in by_segment.groupby("kind", sort=False):
        cut = rows.pivot_table(index="model", columns="segment", values="wql", sort=False).round(4)
        parts += [f"<h2>Weighted quantile loss by {kind}</h2>", cut.to_html(border=0, na_rep="-")]
    path.write_text("\n".join(parts) + "\n</html>\n", encoding="utf-8")


STYLE = (
    "body{font:15px system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;font-size:13px}td,th{padding:.3rem .6rem;text-align:right;"
    "border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}img{max-width:100%}"
)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture whose bytes depend on what it shows alone."""
    figure.tight_layout()
    # Without the library's version in it, the same numbers give the same bytes.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
