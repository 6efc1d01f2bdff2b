"""The tables and notes of an evaluation, and the metrics of its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from restock.evaluation.backtest import Backtest
from restock.evaluation.metrics import CARDS, reached_shares
from restock.features.seasons import cycles_of
from restock.forecasters.bundle import Manifest
from restock.tracking.protocol import Tracker
from restock.types.panel import DemandPanel, IntArray


def leaderboard(report: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per model, lowest loss first: the one that the choice was made by."""
    names = [card.name for card in CARDS]
    rows = [{"model": name, **scores} for name, scores in report["models"].items()]
    table = pd.DataFrame(rows)[["model", *names]]
    return table.sort_values([report["chosen_by"], "model"], kind="stable").reset_index(drop=True)


def calibration(backtests: Mapping[str, Backtest]) -> pd.DataFrame:
    """Return, per model and level, the share of actuals that are at or below the quantile.

    ``share`` is for the steps, ``total_share`` for the running totals.
    """
    parts = [
        pd.DataFrame(
            {
                "model": name,
                "level": test.points.levels,
                "share": reached_shares(test.points.actual, test.points.quantiles),
                "total_share": reached_shares(test.points.total, test.points.cumulative),
            }
        )
        for name, test in backtests.items()
    ]
    return pd.concat(parts, ignore_index=True)


def log_report(tracker: Tracker, report: Mapping[str, Any]) -> None:
    """Log the scores: the bundle's by their names, others with the model's name as a prefix."""
    for name, scores in report["models"].items():
        prefix = "" if name == report["chosen"] else f"{name}."
        tracker.log_metrics({prefix + k: v for k, v in scores.items() if v is not None})
    tracker.log_params({"chosen": report["chosen"], "horizon": report["horizon"]})
    tracker.set_tags({"restock.bundle": report["bundle"]})


def shortened(panel: DemandPanel, train_end: IntArray, manifest: Manifest) -> list[str]:
    """Say which settings reach further back than series do, with a count.

    Args:
        panel: The panel.
        train_end: Last training position per series; -1 where a series takes no part. ``(N,)``.
        manifest: Settings of the models that were trained on it.
    """
    trained = train_end >= 0
    length = (train_end - panel.first_seen + 1)[trained]
    lookback = int(manifest.windows["lookback"])
    season = int(manifest.baselines["seasonal_period"])
    notes = []
    if young := int((length < lookback).sum()):
        notes.append(
            f"{young} of {len(length)} series are younger than windows.lookback={lookback} periods:"
            " the network reads what there is."
        )
    seasonal = {"ets", "theta"} & set(manifest.baselines["names"])
    if seasonal and season > 1 and (young := int((length < 2 * season).sum())):
        notes.append(
            f"{young} of {len(length)} series have less than two seasons of {season} periods: ETS "
            "and Theta forecast them without a season of their own."
        )
    year = cycles_of(panel.frequency)[-1:]
    if any(length.max(initial=0) <= cycle.periods for cycle in year):
        notes.append("No season of a year was learned: no series is longer than one.")
    return notes
