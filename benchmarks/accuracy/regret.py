"""How much the product loses by what it chooses: its answer beside the best of its own run.

python benchmarks/accuracy/regret.py --pool          # once, before anything is changed
python benchmarks/accuracy/regret.py                 # the development cuts that are not there yet
python benchmarks/accuracy/regret.py pbs-h12-1       # some cuts
python benchmarks/accuracy/regret.py --confirm       # the confirming ones: once, at the end
python benchmarks/accuracy/regret.py --report        # the tables anew, from what is stored

Every cut is run as a new user would: its data set, a horizon, everything else as configured.
Results lie in results/NAME, a file a cut. NAME is the commit, or what --into says. A cut that
is there is not run again, so that hours can be spread over days.

Regret is the loss of the answer divided by that of the best candidate of the same run, known only
in hindsight, minus 1. The loss is sql with scales floored at the 5th percentile of the panel's.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cuts import CUTS, Cut
from exchange import Exchange
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
from report import TITLES, table
from scoring import score_peer
from sets import HERE
from simulate import SIMULATIONS

from restock.data.files import read_json, write_json
from restock.data.store import load_panel, save_panel
from restock.evaluation.backtest import Backtest, Predict, run_backtest
from restock.evaluation.metrics import DECILES, decile_loss, naive_scales, pinball
from restock.evaluation.selection import folds_with_demand
from restock.forecasters.baselines.make import baselines_beside
from restock.forecasters.bundle import load_bundle
from restock.forecasters.names import LSTM
from restock.settings.base import narrowed
from restock.settings.recipe import Recipe
from restock.settings.tree import Settings
from restock.training.bundle import fit_bundle
from restock.types import layout
from restock.types.folds import Folds
from restock.types.panel import DemandPanel, FloatArray

FLOOR = 0.05  # of the panel's scales: a series that hardly moved must not decide a mean
STEPS = (150, 400, 1_000, 2_500)  # gradient steps of the pool's networks
NETWORK = "network alone"
RESULTS = HERE / "results"
POOL = "pool"


@dataclass(frozen=True)
class Bench:
    """One cut, prepared in a folder."""

    cut: Cut
    folder: Path
    given: list[str]
    settings: Settings
    panel: DemandPanel
    folds: Folds

    def score(self, predict: Predict) -> dict[str, float]:
        """Backtest one candidate on the test and return its losses."""
        m = self.settings.evaluation.seasonal_period
        return scored(run_backtest(predict, self.panel, self.folds.test, m))


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
    outputs, panel = bench.folder / "outputs", bench.panel
    report, bundle = read_json(outputs / layout.METRICS), load_bundle(outputs / layout.BUNDLE)
    found = {LSTM: bench.score(partial(bundle.predict, panel))}
    found[NETWORK] = bench.score(partial(bundle.predict_network, panel))
    baselines = baselines_beside(bundle.manifest, bench.settings.evaluation.baselines)
    for name, model in baselines.items():
        fitted = model.fit(panel, bench.folds.test.train_end)
        found[name] = bench.score(partial(fitted.predict, panel))
    return {
        "chosen": report["chosen"],
        "losses": found,
        "truth": truth(bench),
        "epochs": bundle.manifest.epochs,
        "weights": bundle.combination.weights,
        "seconds": read_seconds(bench.folder),
    }


def run_pool(bench: Bench) -> dict[str, dict[str, float]]:
    """Return the losses of the network at four lengths, and of LightGBM."""
    panel, folds, found = bench.panel, bench.folds, {}
    test_alone = replace(folds, tuning=())  # all epochs are trained, and nothing is mixed in
    for steps in STEPS:
        fitted = fit_bundle(recipe_of(bench.settings, folds, steps), panel, test_alone)
        found[f"network, {steps} steps"] = bench.score(partial(fitted.predict, panel))
    exchange = Exchange(bench.folder / "peers", panel, folds.test, bench.settings)
    exchange.write(0.0, fast=False)
    exchange.run("trees")
    return found | {TITLES["trees"]: scored(score_peer(exchange, "trees"))}


def recipe_of(settings: Settings, folds: Folds, steps: int) -> Recipe:
    """Return the configured recipe, trained for about so many gradient steps."""
    training = settings.training
    num_series = int((folds.test.train_end >= 0).sum())
    per_pass = -(-num_series // training.batch_size)
    passes = max(steps // (per_pass * 60), 1)  # enough epochs for the rate to fall evenly
    epochs = max(round(steps / (per_pass * passes)), 1)
    own = {"max_epochs": epochs, "passes_per_epoch": passes, "combine": False}
    recipe = narrowed(Recipe, settings)
    return recipe.model_copy(update={"training": training.model_copy(update=own)})


def scored(backtest: Backtest) -> dict[str, float]:
    """Return sql with floored scales, and wql and wape."""
    points, plain = backtest.points, backtest.scores()
    sql = scaled(decile_loss(points), points.scale)
    return {"sql": sql, "wql": plain["wql"], "wape": plain["wape"]}


def scaled(loss: FloatArray, scale: FloatArray) -> float:
    """Return the mean loss of rows over their scales, which are floored. Shapes (R, H) and (R,)."""
    floored = np.maximum(scale, np.nanquantile(scale, FLOOR))
    known = np.isfinite(loss).any(axis=1) & np.isfinite(floored)
    return float((np.nanmean(loss[known], axis=1) / floored[known]).mean())


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


def summary(stored: dict[str, Any], pool: dict[str, Any]) -> str:
    """Return each cut's regret and its loss against the frozen pool's best, and their means."""
    rows, regrets, against = [], [], []
    for name, result in stored.items():
        loss = {model: own["sql"] for model, own in result["losses"].items()}
        answer, best = loss[result["chosen"]], min(loss, key=loss.__getitem__)
        regrets.append(answer / loss[best] - 1)
        against.append(answer / least(pool[name]) if name in pool else np.nan)
        true = answer / result["truth"]["sql"] if result["truth"] else np.nan
        seconds = sum(result["seconds"].values())
        rows.append([
            name, result["chosen"], f"{answer:.4f}", best, f"{loss[best]:.4f}",
            f"{regrets[-1]:.1%}", f"{against[-1]:.3f}", f"{true:.3f}", f"{seconds:.0f}",
        ])  # fmt: skip
    if rows:
        known = [ratio for ratio in against if np.isfinite(ratio)]
        mean = f"{np.exp(np.mean(np.log(known))):.3f}" if known else ""
        rows.append(["mean", *[""] * 4, f"{np.mean(regrets):.1%}", mean, "", ""])
        rows.append(["worst", *[""] * 4, f"{max(regrets):.1%}", "", "", ""])
    headings = ["cut", "answer", "sql", "best of the run", "its sql", "regret", "/ pool", "/ truth"]
    return table([*headings, "seconds"], rows)


def least(result: dict[str, Any]) -> float:
    """Return the lowest loss of a stored cut."""
    return min(own["sql"] for own in result["losses"].values())


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
    parser.add_argument("--pool", action="store_true", help="run the frozen pool, on every cut")
    parser.add_argument("--confirm", action="store_true", help="the confirming cuts")
    parser.add_argument("--report", action="store_true", help="only write the tables anew")
    parser.add_argument("--into", metavar="NAME", help="folder of results; default: the commit")
    options = parser.parse_args()
    unknown = set(options.cuts) - set(CUTS)
    if unknown:
        parser.error(f"no cut {', '.join(sorted(unknown))}; there are {', '.join(CUTS)}")
    into = RESULTS / (options.into or (POOL if options.pool else this_code()))
    into.mkdir(parents=True, exist_ok=True)
    own = [c for c in CUTS.values() if options.pool or c.confirm == options.confirm]
    wanted = [CUTS[name] for name in options.cuts] or own
    for cut in [] if options.report else wanted:
        if not _there(into, cut.name):
            with tempfile.TemporaryDirectory() as scratch:
                bench = prepare(cut, Path(scratch))
                result = run_cut(bench)
                if options.pool:
                    result["losses"] |= run_pool(bench)
            write_json(into / f"{cut.name}.json", result)
    pool, found = stored_in(RESULTS / POOL), stored_in(into)
    for confirm, title in ((False, "Development cuts"), (True, "Confirming cuts")):
        part = {name: result for name, result in found.items() if CUTS[name].confirm == confirm}
        print(f"\n## {title}\n\n{summary(part, pool)}")


if __name__ == "__main__":
    main()
