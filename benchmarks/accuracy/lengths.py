"""What the network alone loses by the length that the tuning folds choose.

python benchmarks/accuracy/lengths.py                  # the confirming cuts that are not there yet
python benchmarks/accuracy/lengths.py pbs-h12-1        # some cuts
python benchmarks/accuracy/lengths.py --report NAME    # the table anew, from what is stored

The network has the configured values, nothing is tuned. It is trained on the tuning folds, which
choose a length, and then on all periods before the test, where every length is scored on the test.
Results lie in results/NAME/lengths, a file a cut. NAME is the commit, or what --into says.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from cuts import CUTS
from regret import RESULTS, Bench, run_missing, scored, stored_in, this_code
from report import table

from restock.forecasters.lstm.fit import LstmEnsemble, train_all
from restock.settings.base import narrowed
from restock.settings.recipe import Recipe
from restock.training.bundle import train_on_folds
from restock.training.fold_features import fit_fold_features
from restock.training.folds import FoldTraining
from restock.training.report import Silent


def run_cut(bench: Bench) -> dict[str, Any]:
    """Return the chosen length of a cut, and the loss of each length on the test."""
    recipe, panel, folds = narrowed(Recipe, bench.settings), bench.panel, bench.folds
    features = fit_fold_features(panel, folds, recipe.features, recipe.model.likelihood)
    on_folds = FoldTraining(recipe, panel, folds, features, num_threads=1)
    outcome, _ = train_on_folds(on_folds, Silent())
    ensemble = LstmEnsemble(recipe, folds.horizon, panel, folds.test.train_end)
    found = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for length in ensemble.schedule.lengths:
            for _ in train_all([ensemble], length, pool):
                pass
            found[str(length)] = scored(bench.backtest(ensemble.predict))["sql"]
    return {"chosen": outcome.steps, "sql": found}


def summary(stored: Mapping[str, Any]) -> str:
    """Return each cut's loss at the chosen length over that at its best length, and the mean."""
    rows, ratios = [], []
    for name, result in stored.items():
        losses, chosen = result["sql"], str(result["chosen"])
        best = min(losses, key=losses.__getitem__)
        ratios.append(losses[chosen] / losses[best])
        every = ", ".join(f"{length}: {loss:.4f}" for length, loss in losses.items())
        rows.append([name, chosen, best, f"{ratios[-1]:.3f}", every])
    if rows:
        rows.append(["mean", "", "", f"{np.mean(ratios):.3f}", ""])
    return table(["cut", "chosen length", "best length", "ratio", "sql at each length"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cuts", nargs="*", metavar="CUT", help="names, as regret.py has them")
    parser.add_argument("--into", metavar="NAME", help="folder of results; default: the commit")
    parser.add_argument("--report", metavar="NAME", help="only write the table of NAME")
    options = parser.parse_args()
    into = RESULTS / (options.report or options.into or this_code()) / "lengths"
    if not options.report:
        confirming = [name for name, cut in CUTS.items() if cut.confirm]
        run_missing(options.cuts or confirming, into, run_cut)
    print(summary(stored_in(into)))


if __name__ == "__main__":
    main()
