"""Sweeps of the real LSTM on the main job's data: throughput, and what pruning saves.

    python -m benchmarks.sweep.real [--num-trials 12] [--peers]

The same proposals (random search, one seed) are tried by two workers of one thread, by one worker
of two threads, and with pruning; Keras Tuner alone (its own loop around the same objective) tries
as many. With `--peers`, so does neuralforecast's AutoLSTM (its environment is installed by `bash
benchmarks/accuracy/peers/setup`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.sweep.cheap import ROOT
from restock.config import EngineSettings
from restock.tuning.optuna.ledger import OptunaLedger
from restock.tuning.results import StudyResult

RESTOCK = str(Path(sys.executable).with_name("restock"))
RANDOM = ["search.tuner.sampler=random", "tracking=none"]
PEERS = ROOT / "benchmarks/accuracy/peers"


def project(folder: Path) -> None:
    """Lay out a project and prepare its data."""
    subprocess.run(
        ["cp", "-r", *(str(ROOT / name) for name in ("conf", "dvc.yaml")), str(folder)], check=True
    )
    for stage in ("fetch", "prepare"):
        subprocess.run([RESTOCK, stage], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def sweep(folder: Path, name: str, *overrides: str) -> tuple[StudyResult, float]:
    """Run a sweep; return its result and the seconds it took."""
    command = [RESTOCK, "tune", *RANDOM, f"sweep.name={name}", *overrides]
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - started
    url = f"sqlite:///{folder / 'optuna.db'}"
    with closing(OptunaLedger(url, name, EngineSettings())) as ledger:
        return ledger.result(), took


def epochs(result: StudyResult) -> int:
    """Epochs trained in all."""
    return sum(len(trial.outcome.curve) for trial in result.trials if trial.outcome)


def say(name: str, trials: int, best: float, took: float, base: float | None = None) -> float:
    """Print a row; return the trials an hour."""
    rate = trials / took * 3600
    beside = f", {rate / base:.2f} x" if base else ""
    print(
        f"{name:<34} {trials} trials in {took:6.1f} s: {rate:6.1f} an hour{beside}; best {best:.4f}"
    )
    return rate


def keras_tuner_alone(folder: Path, num_trials: int) -> None:
    """Run Keras Tuner's own loop around the same objective, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sweep.keras_tuner_alone", str(folder)]
    done = subprocess.run(
        [*command, str(num_trials)], check=True, capture_output=True, text=True, cwd=ROOT
    )
    found = json.loads(done.stdout.splitlines()[-1])
    say("Keras Tuner alone", num_trials, found["best"], found["seconds"])


def auto_lstm(folder: Path, num_trials: int) -> None:
    """Run neuralforecast's AutoLSTM in its environment on the same weeks."""
    from restock.data.store import load_panel

    panel = load_panel(folder / "outputs/panel")
    np.savez(folder / "demand.npz", demand=panel.demand)
    python = PEERS / ".venv/bin/python"
    command = [str(python), str(Path(__file__).with_name("auto_lstm.py")), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(PEERS)}
    done = subprocess.run(
        [*command, str(num_trials)], check=True, capture_output=True, text=True, env=environment
    )
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{'(its score: MQ loss at its own scale)':<34}")
    say("neuralforecast AutoLSTM", num_trials, found["best"], found["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-trials", type=int, default=12)
    parser.add_argument("--peers", action="store_true")
    given = parser.parse_args()
    count = f"search.num_trials={given.num_trials}"
    unpruned = "search.tuner.pruner=none"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project(folder)
        one, took = sweep(folder, "one", count, unpruned, "engine.num_threads=2")
        base = say("1 worker x 2 threads", given.num_trials, one.best.scores[0], took)
        two, took = sweep(folder, "two", count, unpruned, "engine.num_workers=2")
        say("2 workers x 1 thread", given.num_trials, two.best.scores[0], took, base)
        same = [a.values == b.values for a, b in zip(one.trials, two.trials, strict=True)]
        print(f"{'':<34} the same proposals: {all(same)}")
        for pruner in ("median", "hyperband"):
            chosen = f"search.tuner.pruner={pruner}"
            pruned, took = sweep(folder, pruner, count, chosen, "engine.num_workers=2")
            best = pruned.best.scores[0]
            say(f"pruned ({pruner}), 2 workers", given.num_trials, best, took, base)
            share = epochs(pruned) / epochs(two)
            reached = best <= two.best.scores[0] + 1e-12
            print(
                f"{'':<34} {epochs(pruned)} of {epochs(two)} epochs ({share:.0%}; limit 50 %), the "
                f"best of all {'reached' if reached else 'MISSED'}"
            )
        keras_tuner_alone(folder, given.num_trials)
        if given.peers:
            auto_lstm(folder, given.num_trials)


if __name__ == "__main__":
    main()
