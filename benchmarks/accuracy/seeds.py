"""The main job with other seeds, on its test and on the two tests before it.

python benchmarks/accuracy/seeds.py                    # five seeds, three tests
python benchmarks/accuracy/seeds.py 1 2                # some seeds
python benchmarks/accuracy/seeds.py --report NAME      # this commit's results divided by NAME's

Results that are there are not made again. They lie in results/NAME, a file for each seed and test;
NAME is the commit, or what --into says. To measure an earlier commit, copy this file beside its
regret.py and run it there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cuts import Cut
from regret import FORECAST, RESULTS, prepare, run_stages, this_code
from report import table
from scipy.stats import t

from restock.data.files import read_json, write_json
from restock.evaluation.backtest import run_backtest
from restock.forecasters.bundle import load_bundle
from restock.types import layout

SEEDS, TESTS_AGO = (1, 2, 3, 4, 5), (0, 1, 2)
LEVEL = 0.9  # of the interval over the seeds


def run_once(seed: int, tests_ago: int, folder: Path) -> dict[str, Any]:
    """Run the main job as it was so many tests ago; return the scores of its answer."""
    bench = prepare(Cut("online_retail", 4, 3, 4, tests_ago), folder)
    run_stages(FORECAST, [*bench.given, f"seed={seed}"], folder)
    report = read_json(folder / "outputs" / layout.METRICS)
    panel, test = bench.panel, bench.folds.test
    bundle = load_bundle(folder / "outputs" / layout.BUNDLE)
    m = bench.settings.evaluation.seasonal_period
    # Bench.backtest does the same, but commit 4be5e12, which is measured beside, lacks it.
    made = run_backtest(partial(bundle.predict, panel), panel, test, m)
    expected = demanded = 0.0
    for number, forecast in enumerate(made.forecasts):
        picked = made.origin == number
        actual, mean = made.points.actual[picked], forecast.mean[made.series[picked]]
        known = np.isfinite(actual)
        expected += float(mean[known].sum())
        demanded += float(actual[known].sum())
    return {
        "chosen": report["chosen"],
        "scores": report["models"][report["chosen"]],
        "mean_bias": expected / demanded - 1,
    }


def summary(own: Mapping[str, Any], earlier: Mapping[str, Any]) -> str:
    """Return the mean ratios of two commits by seed, with an interval over the seeds."""
    rows, logs = [], []
    for seed in SEEDS:
        names = [name for name in own if name.startswith(f"{seed}-") and name in earlier]
        if not names:
            continue
        ratios = [
            [
                own[name]["scores"][score] / earlier[name]["scores"][score]
                for score in ("sql", "wql")
            ]
            for name in names
        ]
        bias = np.mean([own[name]["mean_bias"] for name in names])
        logs.append(np.log(ratios).mean(axis=0))
        shown = [f"{ratio:.4f}" for ratio in np.exp(logs[-1])]
        rows.append([f"{seed}", f"{len(names)}", *shown, f"{bias:+.1%}"])
    if len(logs) > 1:
        mean, error = np.mean(logs, axis=0), np.std(logs, axis=0, ddof=1) / np.sqrt(len(logs))
        wide = t.ppf((1 + LEVEL) / 2, len(logs) - 1) * error
        low, mid, high = np.exp([mean - wide, mean, mean + wide])
        shown = [f"{mid[i]:.4f} ({low[i]:.4f} to {high[i]:.4f})" for i in range(len(mid))]
        rows.append([f"mean ({LEVEL:.0%})", "", *shown, ""])
    return table(["seed", "tests", "sql, ratio", "wql, ratio", "bias of the mean forecast"], rows)


def stored_in(folder: Path) -> dict[str, Any]:
    """Return the stored results of a folder, by seed and test."""
    return {path.stem: read_json(path) for path in sorted(folder.glob("[0-9]-[0-9].json"))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS, metavar="SEED")
    parser.add_argument("--into", metavar="NAME", help="folder of results; default: the commit")
    parser.add_argument("--report", metavar="NAME", help="only divide by the results of NAME")
    options = parser.parse_args()
    into = RESULTS / (options.into or this_code())
    if options.report:
        print(summary(stored_in(into), stored_in(RESULTS / options.report)))
        return
    into.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for ago in TESTS_AGO:
            path = into / f"{seed}-{ago}.json"
            if not path.is_file():
                with tempfile.TemporaryDirectory() as scratch:
                    write_json(path, run_once(seed, ago, Path(scratch)))


if __name__ == "__main__":
    main()
