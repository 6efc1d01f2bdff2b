"""The tables of an evaluation: leaderboard and calibration; and the metrics of its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from restock.evaluation.backtest import Backtest
from restock.evaluation.metrics import CARDS, reached_shares
from restock.tracking.protocol import Tracker


def leaderboard(report: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per model, lowest weighted quantile loss first."""
    names = [card.name for card in CARDS]
    rows = [{"model": name, **scores} for name, scores in report["models"].items()]
    table = pd.DataFrame(rows)[["model", *names]]
    return table.sort_values(["wql", "model"], kind="stable").reset_index(drop=True)


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
