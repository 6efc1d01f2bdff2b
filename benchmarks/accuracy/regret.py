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
from dataclasses import replace
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
    prepare_table,
    read_seconds,
    read_settings,
    run_stages,
    table_path,
    until,
)
from report import TITLES, table
from scoring import score_peer
from sets import HERE
from simulate import SIMULATIONS

from restock.data.files import read_json, write_json
from restock.data.store import load_panel, save_panel
from restock.evaluation.backtest import Backtest, run_backtest
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


def given(cut: Cut, folder: Path) -> list[str]:
    """Return what every restock command of this cut is called with."""
    own = [
        *("--config-dir", str(HERE / "conf")),
        *cut.arguments,
        f"output_dir={folder / 'outputs'}",
        f"engine.study_url=sqlite:///{folder / 'optuna.db'}",
        "tracking=none",
        "training.use_tuned=true",  # a train that is typed would leave the tuning out
    ]
    if cut.benchmark.prepare is not None:
        own.append(f"data.source.path={table_path(folder)}")
    return own


def prepare(cut: Cut, folder: Path) -> tuple[Settings, DemandPanel, Folds]:
    """Make the panel of a cut as it was so many tests ago, and cut it."""
    prepare_table(cut.benchmark, folder)
    run_stages(PREPARE, given(cut, folder), folder)
    settings = read_settings(given(cut, folder))
    panel = load_panel(folder / "outputs" / layout.PANEL)
    if cut.tests_ago:
        panel = until(panel, settings, cut.tests_ago)
        save_panel(panel, folder / "outputs" / layout.PANEL)
    return settings, panel, folds_with_demand(panel, settings.evaluation)


def run_cut(cut: Cut, folder: Path) -> dict[str, Any]:
    """Run one cut as a new user would; return the losses of all that could have answered."""
    settings, panel, folds = prepare(cut, folder)
    run_stages(FORECAST, given(cut, folder), folder)
    outputs = folder / "outputs"
    report, bundle = read_json(outputs / layout.METRICS), load_bundle(outputs / layout.BUNDLE)
    score = partial(losses, panel=panel, folds=folds, settings=settings)
    found = {LSTM: score(partial(bundle.predict, panel))}
    found[NETWORK] = score(partial(bundle.predict_network, panel))
    for name, model in baselines_beside(bundle.manifest, settings.evaluation.baselines).items():
        found[name] = score(partial(model.fit(panel, folds.test.train_end).predict, panel))
    return {
        "chosen": report["chosen"],
        "losses": found,
        "truth": truth(cut, panel, folds, settings),
        "epochs": bundle.manifest.epochs,
        "weights": bundle.combination.weights,
        "seconds": read_seconds(folder),
    }


def run_pool(cut: Cut, folder: Path) -> dict[str, Any]:
    """Return the losses of this code's candidates, of its networks at four lengths, of LightGBM."""
    result = run_cut(cut, folder)
    settings = read_settings(given(cut, folder))
    panel = load_panel(folder / "outputs" / layout.PANEL)
    folds = folds_with_demand(panel, settings.evaluation)
    score = partial(losses, panel=panel, folds=folds, settings=settings)
    test_alone = replace(folds, tuning=())  # all epochs are trained, and nothing is mixed in
    for steps in STEPS:
        fitted = fit_bundle(recipe_of(settings, folds, steps), panel, test_alone)
        result["losses"][f"network, {steps} steps"] = score(partial(fitted.predict, panel))
    exchange = Exchange(folder / "peers", panel, folds.test, settings)
    exchange.write(0.0, fast=False)
    exchange.run("trees")
    result["losses"][TITLES["trees"]] = scored(score_peer(exchange, "trees"))
    return result


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


def losses(predict: Any, panel: DemandPanel, folds: Folds, settings: Settings) -> dict[str, float]:
    """Backtest one candidate on the test and return its losses."""
    return scored(run_backtest(predict, panel, folds.test, settings.evaluation.seasonal_period))


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


def truth(
    cut: Cut, panel: DemandPanel, folds: Folds, settings: Settings
) -> dict[str, float] | None:
    """Return the loss of a simulation's true quantiles; None for what happened in the world."""
    name = cut.data.removeprefix("sim_")
    if name not in SIMULATIONS:
        return None
    simulation, loss, scales = SIMULATIONS[name](), [], []
    for origins in folds.test.origins:
        kept = np.flatnonzero(origins >= 0)
        quantiles = simulation.truth(panel.series_id[kept], origins[kept], folds.horizon, DECILES)
        actual = panel.actuals(origins[kept], folds.horizon, kept)
        loss.append(pinball(actual, quantiles, DECILES).mean(axis=2))
        m = settings.evaluation.seasonal_period
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
                result = (run_pool if options.pool else run_cut)(cut, Path(scratch))
            write_json(into / f"{cut.name}.json", result)
    pool, found = stored_in(RESULTS / POOL), stored_in(into)
    for confirm, title in ((False, "Development cuts"), (True, "Confirming cuts")):
        part = {name: result for name, result in found.items() if CUTS[name].confirm == confirm}
        print(f"\n## {title}\n\n{summary(part, pool)}")


if __name__ == "__main__":
    main()
