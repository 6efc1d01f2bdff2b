"""Seconds of training until restock's single network is as good as neuralforecast's LSTM gets.

    python benchmarks/accuracy/time_to_accuracy.py [--seconds 180]

Online Retail II, four weeks ahead, 64 units and the same lookback on both sides, all cores. The
peer trains for the given seconds with each of its two scalers; its best score on the last tuning
fold is what restock must reach there. Only training is timed: no preparations, no forecasts.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from exchange import Exchange, run_in_peers
from report import table
from run import Bench
from scoring import score_peer
from sets import HERE, SETS, environment_path

from restock.data.files import read_json
from restock.evaluation.backtest import run_backtest
from restock.evaluation.selection import folds_with_demand
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, train_all
from restock.forecasters.lstm.schedule import budget
from restock.settings.base import narrowed, replace_at
from restock.settings.recipe import Recipe
from restock.types import layout

SINGLE = {"model.units": 64, "training.ensemble_size": 1, "training.combine": False}
METRICS = ("sql", "wql")


@dataclass(frozen=True)
class Point:
    """Scores after so many seconds of training."""

    what: str
    seconds: float
    scores: dict[str, float]


def open_exchange() -> Exchange:
    """Prepare the table if need be; return the exchange for the last tuning fold."""
    work = environment_path("RESTOCK_BENCHMARK_WORK", HERE / "work")
    bench = Bench(SETS["retail4"], work / "time_to_accuracy", fast=False)
    if not (bench.outputs / layout.PANEL).is_dir():
        bench.run_prepare()
    exchange = bench.exchange()
    fold = folds_with_demand(exchange.panel, exchange.settings.evaluation).tuning[-1]
    return replace(exchange, fold=fold)


def peer_curve(exchange: Exchange, seconds: float) -> list[Point]:
    """Train the peer with each scaler; return its scores at each checkpoint."""
    exchange.write(seconds, fast=False)
    run_in_peers("curve.py", exchange.folder)
    written = read_json(exchange.folder / "curve.json")
    return [
        Point(
            f"peer, {point['scaler']} scaler",
            point["seconds"],
            score_peer(exchange, point["name"]).scores(),
        )
        for point in written
    ]


def restock_curve(exchange: Exchange) -> list[Point]:
    """Train one network length by length; return its scores at each."""
    settings, panel = replace_at(exchange.settings, SINGLE), exchange.panel
    fold, m = exchange.fold, settings.evaluation.seasonal_period
    backend.prepare(settings.seed, os.cpu_count() or 1)
    recipe, horizon = narrowed(Recipe, settings), settings.evaluation.horizon
    network = LstmEnsemble(recipe, horizon, panel, fold.train_end)
    points: list[Point] = []
    seconds = 0.0
    with ThreadPoolExecutor(1) as pool:
        for length in budget(recipe.training, panel, fold.train_end).lengths:
            start = time.perf_counter()
            for _ in train_all([network], length, pool):
                pass
            seconds += time.perf_counter() - start
            scores = run_backtest(network.predict, panel, fold, m).scores()
            points.append(Point(f"restock, {length} steps", seconds, scores))
    return points


def comparison(metric: str, peer: list[Point], own: list[Point]) -> list[str]:
    """Return the row of one metric: the peer's best, and when restock was as good."""
    best = min(peer, key=lambda point: point.scores[metric])
    target = best.scores[metric]
    reached = next((p.seconds for p in own if p.scores[metric] <= target), None)
    said = (
        ["never", "-"] if reached is None else [f"{reached:.1f}", f"{best.seconds / reached:.1f}"]
    )
    return [metric.upper(), f"{target:.4f}", f"{best.seconds:.1f}", *said]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time to equal accuracy.")
    parser.add_argument("--seconds", type=float, default=180.0, help="of each of the peer's runs")
    options = parser.parse_args()
    exchange = open_exchange()
    peer, own = peer_curve(exchange, options.seconds), restock_curve(exchange)
    rows = [
        [p.what, f"{p.seconds:.1f}", *(f"{p.scores[metric]:.4f}" for metric in METRICS)]
        for p in (*peer, *own)
    ]
    print(table(["trained", "seconds", "SQL", "WQL"], rows))
    headings = ["metric", "peer's best", "its seconds", "restock's seconds to it", "times faster"]
    print(table(headings, [comparison(metric, peer, own) for metric in METRICS]))


if __name__ == "__main__":
    main()
