"""Training speed: arithmetic rate against the machine's own peak, and what bounds it.

    python benchmarks/training.py

Simulated weekly demand, the default network. The rate counts the multiplications of the LSTM and of
the decoder, three times over (forward, and two in the backward pass), and nothing else. Time to
equal accuracy beside a peer is measured by benchmarks/accuracy (time_to_accuracy.py).
"""

from __future__ import annotations

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from restock.features.fitted import fit_features
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmTraining
from restock.forecasters.lstm.schedule import Schedule
from restock.settings.base import narrowed, replace_at
from restock.settings.recipe import Recipe
from restock.settings.tree import load_params
from restock.types.panel import DemandPanel

NUM_SERIES, NUM_STEPS = 512, 130
REPEATS = 12


@dataclass(frozen=True)
class Case:
    """One shape to time."""

    units: int
    batch_size: int
    num_layers: int = 1


CASES = (Case(32, 64), Case(64, 64), Case(64, 256), Case(64, 64, 2), Case(128, 64), Case(128, 256))


def gemm_rate(size: int = 1536) -> float:
    """Return what one thread multiplies matrices at, in GFLOP/s: the peak to compare with."""
    left = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        left @ left
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / statistics.median(seconds) / 1e9


def panel() -> DemandPanel:
    """Return simulated weekly demand."""
    from pandas import date_range

    rng = np.random.default_rng(0)
    level = rng.lognormal(3, 1, size=(NUM_SERIES, 1))
    demand = rng.poisson(level, size=(NUM_SERIES, NUM_STEPS)).astype(float)
    names = np.array([f"S{i:04d}" for i in range(NUM_SERIES)], dtype=object)
    grid = date_range("2020-01-05", periods=NUM_STEPS, freq="W-SUN").as_unit("s")
    return DemandPanel(names, grid, demand, np.ones_like(demand, dtype=bool), "W-SUN")


def flops(training: LstmTraining, batch: int) -> float:
    """Return the floating-point operations of one training step."""
    settings, shape, windows = training.recipe.model, training.shape, training.recipe.windows
    units, length = settings.units, windows.lookback + 1
    recurrent, width = 0, shape.num_past
    for _ in range(settings.num_layers):
        recurrent += (width + units) * 4 * units
        width = units
    ahead = (shape.num_future + 2 * shape.num_anchors) * units
    levels = len(settings.quantile_levels)
    decoder = ahead + units * (units // 2) + units // 2 * 2 * levels + units * 0
    decoder += units // 2 * 2 * shape.num_anchors
    points = windows.num_origins * shape.horizon
    return (
        3
        * 2
        * batch
        * (length * recurrent + windows.num_origins * units * units + points * decoder)
    )


def steps(training: LstmTraining) -> list[float]:
    """Return the seconds of some training steps, the making of their batches included."""
    seconds: list[float] = []
    for _ in range(REPEATS + 3):
        start = time.perf_counter()
        batch = training.batch()
        training.network.train_on_batch(
            batch.inputs.inputs(), batch.target, sample_weight=batch.loss_mask
        )
        training.step += 1
        seconds.append(time.perf_counter() - start)
    return seconds[3:]  # the first are traced


def batch_seconds(training: LstmTraining) -> float:
    """Return the median seconds that making one batch takes."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        training.batch()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    backend.prepare(0, 1)
    from pathlib import Path

    base, settings = panel(), load_params(Path("params.yaml"))
    horizon = settings.evaluation.horizon
    peak = gemm_rate()
    print(f"one thread multiplies matrices at {peak:.1f} GFLOP/s; shares are of that, per thread")
    print(
        "units batch layers | one network ms  GFLOP/s  share | two side by side GFLOP/s  share of "
        "two threads | making a batch, share of the step"
    )
    for case in CASES:
        values = {
            "model.units": case.units,
            "model.num_layers": case.num_layers,
            "training.batch_size": case.batch_size,
        }
        recipe = narrowed(Recipe, replace_at(settings, values))
        end = np.full(NUM_SERIES, NUM_STEPS - 5)
        fitted = fit_features(base, recipe.features, end, horizon)
        pair = [
            LstmTraining(
                recipe, horizon, base, end, fitted, schedule=Schedule.up_to(1000), member=member
            )
            for member in range(2)
        ]
        alone = statistics.median(steps(pair[0]))
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(steps, pair))
        work = flops(pair[0], case.batch_size) / 1e9
        together = sum(work / statistics.median(seconds) for seconds in both)
        making = batch_seconds(pair[0]) / alone
        print(
            f"{case.units:5d} {case.batch_size:5d} {case.num_layers:6d} | {alone * 1e3:14.1f} "
            f"{work / alone:8.1f} {work / alone / peak:6.0%} | {together:24.1f} "
            f"{together / peak / 2:20.0%} | {making:.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
