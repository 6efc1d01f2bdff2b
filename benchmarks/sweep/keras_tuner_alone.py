"""Keras Tuner's own random search around our objective: what it is without the engine.

python -m benchmarks.sweep.keras_tuner_alone PROJECT NUM_TRIALS
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import keras_tuner
import yaml

from benchmarks.sweep.cheap import ROOT
from restock.data.store import load_panel
from restock.evaluation.selection import folds_with_demand
from restock.settings.base import narrowed
from restock.settings.tree import parse_settings
from restock.sweeps.checkpoint import Checkpoints
from restock.sweeps.keras_tuner import _hyperparameters
from restock.sweeps.objective import FoldObjective
from restock.sweeps.shared import SweepData
from restock.sweeps.spec import SearchRecipe
from restock.training.fold_features import fit_fold_features


def main() -> None:
    folder, num_trials = Path(sys.argv[1]), int(sys.argv[2])
    started = time.perf_counter()
    settings = parse_settings(yaml.safe_load((ROOT / "params.yaml").read_text()), where="params")
    panel = load_panel(folder / "outputs/panel")
    folds = folds_with_demand(panel, settings.evaluation)
    made = fit_fold_features(panel, folds, settings.features, settings.model.likelihood)
    data, threads = SweepData(panel, folds, made), settings.engine.num_threads
    recipe = narrowed(SearchRecipe, settings)
    objective = FoldObjective(recipe, data, num_threads=threads, pool_size=2)
    told: list[tuple[float, float, float]] = []
    scratch = Path(tempfile.mkdtemp(dir=folder))

    class Alone(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial, *_, **__):  # type: ignore[no-untyped-def]
            space = settings.search.space
            values = {d.path: trial.hyperparameters.get(name) for name, d in space.items()}
            states = Checkpoints(scratch / trial.trial_id)
            outcome = objective(values, None, states, lambda *_: None)
            last = outcome.fold_curves[-1][outcome.curve.index(outcome.value)]
            told.append((time.perf_counter() - started, outcome.value, last))
            return outcome.value

    tuner = Alone(
        max_trials=num_trials,
        hyperparameters=_hyperparameters(settings.search.space),
        seed=settings.seed,
        directory=scratch,
        project_name="alone",
    )
    tuner.search(verbose=0)
    best = tuner.oracle.get_best_trials(1)[0].score
    print()
    seconds = time.perf_counter() - started
    print(json.dumps({"best": best, "seconds": seconds, "told": told}))


if __name__ == "__main__":
    main()
