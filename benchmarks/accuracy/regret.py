"""How much the product loses by what it chooses: its answer beside the best of its own run.

python benchmarks/accuracy/regret.py                 # the development cuts that are not there yet
python benchmarks/accuracy/regret.py pbs-h12-1       # some cuts
python benchmarks/accuracy/regret.py --confirm       # the confirming ones: once, at the end
python benchmarks/accuracy/regret.py --report        # the tables anew, from what is stored

Every cut is run as a new user would: its data set, a horizon, everything else as configured.
Results lie in results/NAME, a file a cut. NAME is the commit, or what --into says. A cut that
is there is not run again, so that hours can be spread over days.

Regret is the loss of the answer divided by that of the best candidate of the same run, known only
in hindsight, minus 1. The loss is sql, by which the product chooses, with scales floored at the 5th
percentile of the panel's; wql stands beside it.

Beside it stands the loss against the best of a frozen pool, results/pool: the candidates of commit
4be5e12, its network at 150, 400, 1,000 and 2,500 steps, and LightGBM. That commit's own regret.py
makes it, by --pool.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cuts import CUTS, Cut
from pipeline import (
    FORECAST,
    PREPARE,
    ROOT,
    arguments,
    prepare_table,
    read_seconds,
    read_settings,
    run_stages,
    until,
)
from report import table
from sets import HERE
from simulate import SIMULATIONS

from restock.data.files import read_json, write_json
from restock.data.store import load_panel, save_panel
from restock.evaluation.backtest import Backtest, Predict, run_backtest
from restock.evaluation.bands import floored
from restock.evaluation.metrics import DECILES, decile_loss, naive_scales, pinball
from restock.evaluation.selection import folds_with_demand
from restock.forecasters.baselines.make import baselines_beside
from restock.forecasters.bundle import load_bundle
from restock.forecasters.names import LSTM, MIX
from restock.settings.tree import Settings
from restock.types import layout
from restock.types.folds import Folds
from restock.types.panel import DemandPanel, FloatArray

RESULTS = HERE / "results"
POOL = "pool"
LOSSES = ("sql", "wql")  # the measure, and what stands beside it
HEADINGS = [
    "cut", "answer", "sql", "best of the run", "its sql", "regret: sql", "wql", "/ pool: sql",
    "wql", "/ truth", "seconds",
]  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """One cut, prepared in a folder."""

    cut: Cut
    folder: Path
    given: list[str]
    settings: Settings
    panel: DemandPanel
    folds: Folds

    def backtest(self, predict: Predict) -> Backtest:
        """Forecast by one candidate from the origins of the test."""
        m = self.settings.evaluation.seasonal_period
        return run_backtest(predict, self.panel, self.folds.test, m)


def prepare(cut: Cut, folder: Path) -> Bench:
    """Make the panel of a cut as it was so many tests ago, and cut it."""
    given = arguments(cut.benchmark, cut.arguments, folder)
    prepare_table(cut.benchmark, folder)
    run_stages(PREPARE, given, folder)
    settings, path = read_settings(given), folder / "outputs" / layout.PANEL
    panel = load_panel(path)
    if cut.tests_ago:
        panel = until(panel, settings, cut.tests_ago)
        save_panel(panel, path)
    folds = folds_with_demand(panel, settings.evaluation)
    return Bench(cut, folder, given, settings, panel, folds)


def run_cut(bench: Bench) -> dict[str, Any]:
    """Run one cut as a new user would; return the losses of all that could have answered."""
    run_stages(FORECAST, bench.given, bench.folder)
    outputs, panel, fold = bench.folder / "outputs", bench.panel, bench.folds.test
    bundle = load_bundle(outputs / layout.BUNDLE)
    alone = {LSTM: bench.backtest(partial(bundle.predict_network, panel))}
    baselines = baselines_beside(bundle.manifest, bench.settings.evaluation.baselines)
    for name, model in baselines.items():
        alone[name] = bench.backtest(partial(model.fit(panel, fold.train_end).predict, panel))
    mixed = (
        bundle.mix.apply(
            {name: test.forecasts[number] for name, test in alone.items()},
            panel.first_seen > np.maximum(origins, 0),
        )
        for number, origins in enumerate(fold.origins)
    )
    answers = {MIX: bench.backtest(lambda _: next(mixed))}
    answers[bundle.chosen] = bench.backtest(partial(bundle.predict, panel))
    return {
        "chosen": bundle.chosen,
        "losses": {name: scored(test) for name, test in (alone | answers).items()},
        "truth": truth(bench),
        "steps": bundle.manifest.steps,
        "weights": bundle.combination.weights,
        "candidates": bundle.manifest.choice["candidates"],
        "seconds": read_seconds(bench.folder),
    }


def scored(backtest: Backtest) -> dict[str, float]:
    """Return sql with floored scales, and wql and wape."""
    points, plain = backtest.points, backtest.scores()
    sql = scaled(decile_loss(points), points.scale)
    return {"sql": sql, "wql": plain["wql"], "wape": plain["wape"]}


def scaled(loss: FloatArray, scale: FloatArray) -> float:
    """Return the mean loss of rows over their scales, which are floored. Shapes (R, H) and (R,)."""
    raised = floored(scale)
    known = np.isfinite(loss).any(axis=1) & np.isfinite(raised)
    return float((np.nanmean(loss[known], axis=1) / raised[known]).mean())


def truth(bench: Bench) -> dict[str, float] | None:
    """Return the loss of a simulation's true quantiles; None for what happened in the world."""
    name, panel, folds = bench.cut.data.removeprefix("sim_"), bench.panel, bench.folds
    if name not in SIMULATIONS:
        return None
    simulation, loss, scales = SIMULATIONS[name](), [], []
    m = bench.settings.evaluation.seasonal_period
    for origins in folds.test.origins:
        kept = np.flatnonzero(origins >= 0)
        quantiles = simulation.truth(panel.series_id[kept], origins[kept], folds.horizon, DECILES)
        actual = panel.actuals(origins[kept], folds.horizon, kept)
        loss.append(pinball(actual, quantiles, DECILES).mean(axis=2))
        scales.append(naive_scales(panel.uncensored[kept], origins[kept], m)[0])
    return {"sql": scaled(np.concatenate(loss), np.concatenate(scales))}


def run_missing(
    names: Iterable[str], into: Path, measure: Callable[[Bench], dict[str, Any]]
) -> None:
    """Measure the cuts that are not stored in a folder yet, each as soon as it is measured."""
    into.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not _there(into, name):
            with tempfile.TemporaryDirectory() as scratch:
                result = measure(prepare(CUTS[name], Path(scratch)))
            write_json(into / f"{name}.json", result)


def summary(stored: dict[str, Any], pool: dict[str, Any]) -> str:
    """Return each cut's regret and its loss against the frozen pool's best, and their means."""
    rows, columns = [], []
    for name, result in stored.items():
        chosen, found = result["chosen"], result["losses"]
        best = min(found, key=lambda model: found[model]["sql"])
        ratios = [found[chosen][loss] / least(found, loss) for loss in LOSSES]
        against = [
            found[chosen][loss] / least(pool[name]["losses"], loss) if name in pool else np.nan
            for loss in LOSSES
        ]
        columns.append([*ratios, *against])
        true = found[chosen]["sql"] / result["truth"]["sql"] if result["truth"] else np.nan
        seconds = sum(result["seconds"].values())
        rows.append([
            name, chosen, f"{found[chosen]['sql']:.4f}", best, f"{found[best]['sql']:.4f}",
            *(f"{ratio - 1:.1%}" for ratio in ratios), *(f"{ratio:.3f}" for ratio in against),
            f"{true:.3f}", f"{seconds:.0f}",
        ])  # fmt: skip
    if rows:
        regrets, against = np.array(columns)[:, :2] - 1, np.array(columns)[:, 2:]
        known = np.log(against[np.isfinite(against).all(axis=1)])
        means = [f"{ratio:.3f}" for ratio in np.exp(known.mean(axis=0))] if len(known) else []
        rows.append(["mean", *[""] * 4, *(f"{r:.1%}" for r in regrets.mean(axis=0)), *means])
        rows.append(["worst", *[""] * 4, *(f"{r:.1%}" for r in regrets.max(axis=0))])
        rows = [row + [""] * (len(HEADINGS) - len(row)) for row in rows]
    return table(HEADINGS, rows)


def least(models: dict[str, dict[str, float]], loss: str) -> float:
    """Return the lowest loss of some models."""
    return min(own[loss] for own in models.values())


def stored_in(folder: Path) -> dict[str, Any]:
    """Return the stored results of a folder, by cut."""
    return {name: read_json(folder / f"{name}.json") for name in CUTS if _there(folder, name)}


def _there(folder: Path, name: str) -> bool:
    return (folder / f"{name}.json").is_file()


def this_code() -> str:
    """Return the commit of the code, and whether it has changed since."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cuts", nargs="*", metavar="CUT", help="names, as the report has them")
    parser.add_argument("--confirm", action="store_true", help="the confirming cuts")
    parser.add_argument("--report", action="store_true", help="only write the tables anew")
    parser.add_argument("--into", metavar="NAME", help="folder of results; default: the commit")
    options = parser.parse_args()
    unknown = set(options.cuts) - set(CUTS)
    if unknown:
        parser.error(f"no cut {', '.join(sorted(unknown))}; there are {', '.join(CUTS)}")
    into = RESULTS / (options.into or this_code())
    own = [name for name, cut in CUTS.items() if cut.confirm == options.confirm]
    if not options.report:
        run_missing(options.cuts or own, into, run_cut)
    pool, found = stored_in(RESULTS / POOL), stored_in(into)
    for confirm, title in ((False, "Development cuts"), (True, "Confirming cuts")):
        part = {name: result for name, result in found.items() if CUTS[name].confirm == confirm}
        print(f"\n## {title}\n\n{summary(part, pool)}")


if __name__ == "__main__":
    main()
