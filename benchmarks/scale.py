"""A large panel: memory and time of some gradient steps and of one forecast, and how both grow.

    python benchmarks/scale.py                  # 30,000 series of 1,900 days, 28 days ahead
    python benchmarks/scale.py --growth         # a quarter and a half of it, for the growth of cost
    python benchmarks/scale.py --baselines      # the simple forecasts that a mix may need, instead

Every measurement is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pandas import date_range

from restock.forecasters.baselines.simple import simple_baselines
from restock.forecasters.bundle import load_bundle
from restock.forecasters.combine import Combination
from restock.settings.base import narrowed, replace_at
from restock.settings.baselines import BaselineSettings
from restock.settings.recipe import Recipe
from restock.settings.tree import load_params
from restock.types.panel import DemandPanel

MEMORY_LIMIT, FORECAST_LIMIT = 6e9, 30.0  # bytes, seconds
HORIZON = 28
STEPS = 120  # gradient steps
SETTINGS = BaselineSettings(seasonal_period=7)


def daily_panel(num_series: int, num_steps: int) -> DemandPanel:
    """Return simulated daily demand with a weekly season."""
    rng = np.random.default_rng(0)
    week = 1 + 0.3 * np.sin(2 * np.pi * np.arange(num_steps) / 7)
    level = rng.lognormal(1, 1, size=(num_series, 1))
    demand = np.empty((num_series, num_steps))  # float64, as a panel is read from its files
    for start in range(0, num_series, 1000):
        part = slice(start, start + 1000)
        demand[part] = rng.poisson(level[part] * week)
    names = np.array([f"S{i:06d}" for i in range(num_series)], dtype=object)
    grid = date_range("2019-01-01", periods=num_steps, freq="D").as_unit("s")
    return DemandPanel(names, grid, demand, np.ones(demand.shape, dtype=bool), "D")


def measure(num_series: int, num_steps: int) -> dict[str, float]:
    """Train some steps, save a bundle and forecast all series with it."""
    from restock.forecasters.lstm import backend
    from restock.forecasters.lstm.fit import LstmEnsemble, train_all
    from restock.forecasters.lstm.save import save_bundle

    panel = daily_panel(num_series, num_steps)
    settings = load_params(Path("params.yaml"))
    daily = {"features.seasonal_lag": 7, "features.lags": (1, 7, 14)}
    daily |= {"features.rolling_windows": (7, 28, 91), "features.scale_window": 28}
    values = {**daily, "evaluation.baselines": SETTINGS, "training.ensemble_size": 1}
    values |= {"windows.lookback": 56, "windows.num_origins": 6, "training.batch_size": 256}
    recipe = narrowed(Recipe, replace_at(settings, values))
    backend.prepare(0, 1)
    end = np.full(num_series, num_steps - HORIZON - 1)
    start = time.perf_counter()
    ensemble = LstmEnsemble(recipe, HORIZON, panel, end)
    ready = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        for _ in train_all([ensemble], STEPS, pool):
            pass
    trained = time.perf_counter()
    levels = np.array(recipe.model.quantile_levels)
    with TemporaryDirectory() as folder:
        save_bundle(
            ensemble,
            Path(folder) / "bundle",
            choice={},
            combination=Combination.plain(levels),
            others={},
            cut="benchmark",
            tuning_loss=None,
            data_digest="benchmark",
        )
        bundle = load_bundle(Path(folder) / "bundle")
        begun = time.perf_counter()
        bundle.predict(panel, end)
        done = time.perf_counter()
    return {
        "fit features": ready - start,
        "steps": trained - ready,
        "forecast": done - begun,
        "peak": peak_bytes(),
    }


def measure_baselines(num_series: int, num_steps: int) -> dict[str, float]:
    """Forecast all series by each simple baseline; return its seconds by name."""
    panel = daily_panel(num_series, num_steps)
    levels = np.array(load_params(Path("params.yaml")).model.quantile_levels)
    seconds = {}
    for name, baseline in simple_baselines(SETTINGS, HORIZON, levels).items():
        start = time.perf_counter()
        baseline.predict(panel, np.full(num_series, num_steps - 1))
        seconds[name] = time.perf_counter() - start
    return {**seconds, "peak": peak_bytes()}


def peak_bytes() -> float:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_measure(series: int, days: int, *options: str) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", "--series", str(series), "--days", str(days)]
    output = subprocess.run([*command, *options], check=True, capture_output=True)
    return json.loads(output.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--growth", action="store_true", help="also a quarter and a half")
    parser.add_argument("--baselines", action="store_true", help="the simple forecasts instead")
    parser.add_argument("--series", type=int, default=30_000)
    parser.add_argument("--days", type=int, default=1_900)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.measure:
        print(
            json.dumps((measure_baselines if said.baselines else measure)(said.series, said.days))
        )
        return
    if said.baselines:
        found = run_measure(said.series, said.days, "--baselines")
        peak = found.pop("peak") / 1e9
        print("  ".join(f"{name} {seconds:.1f} s" for name, seconds in found.items()))
        print(f"peak {peak:.2f} GB ({peak * 1e9 / MEMORY_LIMIT:.2f} of its limit)")
        return
    whole = (said.series, said.days)
    parts = [(said.series // 4, said.days), (said.series // 2, said.days)]
    parts += [(said.series // 2, said.days // 2)]
    for series, days in [*(parts if said.growth else []), whole]:
        found = run_measure(series, days)
        print(
            f"{series:6d} x {days:5d}: features fitted {found['fit features']:6.1f} s, {STEPS} "
            f"steps {found['steps']:6.1f} s, forecast {found['forecast']:6.1f} s "
            f"({found['forecast'] / FORECAST_LIMIT:.2f} of its limit), peak "
            f"{found['peak'] / 1e9:.2f} GB ({found['peak'] / MEMORY_LIMIT:.2f} of its limit)",
            flush=True,
        )


if __name__ == "__main__":
    main()
