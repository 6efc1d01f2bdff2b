"""Pictures as files: DVC lays those of two revisions side by side, and MLflow shows them.

Pages draw by a script of their own; see :mod:`restock.pages.shell`.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from restock.evaluation.backtest import Backtest, largest
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel

ACCENT = "#1f78d1"
INPUTS_SHOWN = 20
HISTORY_SHOWN = 40  # periods before the origin in a fan chart


def effect_bars(path: Path, table: pd.DataFrame, title: str) -> None:
    """Draw what each input adds to one series' forecast, the strongest on top."""
    shown = table.head(INPUTS_SHOWN)[::-1]
    figure, axis = plt.subplots(figsize=(7, 0.25 * len(shown) + 1.4))
    axis.barh(range(len(shown)), shown["effect"], color=ACCENT)
    axis.set_yticks(range(len(shown)), shown["input"], parse_math=False)
    axis.axvline(0.0, color="black", lw=0.8)
    axis.set_title(title, fontsize=10, parse_math=False)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def fan_charts(path: Path, panel: DemandPanel, backtest: Backtest, num_series: int = 6) -> None:
    """Draw the chosen model's forecasts of the largest series from every test origin."""
    shown = largest(panel, backtest, num_series)
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
        axis.set_title(str(panel.series_id[series]), fontsize=9, parse_math=False)
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


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture whose bytes depend on what it shows alone."""
    figure.tight_layout()
    # Without the library's version in it, the same numbers give the same bytes.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
