"""Sweeps of the real LSTM on the main job's data: trials an hour, and the best found in a time.

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
from restock.forecasters.lstm.schedule import Schedule
from restock.settings.engine import EngineSettings
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.results import StudyResult

Told = tuple[float, float, float]  # seconds, mean loss, loss on the last fold
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
    with closing(_open_study(folder, name)) as opened:
        return opened.snapshot().result(), took


def _open_study(folder: Path, name: str) -> OpenStudy:
    return OpenStudy.open(f"sqlite:///{folder / 'optuna.db'}", name, EngineSettings())


def progress(folder: Path, name: str, took: float) -> list[Told]:
    """Return when each trial of a sweep was told, from the launch, and its losses."""
    with closing(_open_study(folder, name)) as opened:
        snapshot = opened.snapshot()
    result = snapshot.result()
    ends = {slot: tried[-1].datetime_complete for slot, tried in snapshot.slots.items()}
    last = max(ends.values())
    return [
        (
            took - (last - ends[trial.number]).total_seconds(),
            trial.outcome.value,
            trial.outcome.fold_curves[-1][trial.outcome.curve.index(trial.outcome.value)],
        )
        for trial in result.trials
        if trial.state == "complete" and trial.outcome
    ]


def best_after(told: list[Told], seconds: float) -> str:
    """Return the best of what was told in time: by the mean loss, and its loss on the last fold."""
    found = min((t for t in told if t[0] <= seconds), key=lambda t: t[1], default=None)
    return f"{found[1]:.4f}, last fold {found[2]:.4f}" if found else "none yet"


def steps(result: StudyResult) -> int:
    """Gradient steps in all, those of all branches included."""
    outcomes = [trial.outcome for trial in result.trials if trial.outcome]
    return sum(Schedule(outcome.lengths, 1).total(outcome.lengths[-1]) for outcome in outcomes)


def say(name: str, trials: int, best: float, took: float, base: float | None = None) -> float:
    """Print a row; return the trials an hour."""
    rate = trials / took * 3600
    beside = f", {rate / base:.2f} x" if base else ""
    print(
        f"{name:<34} {trials} trials in {took:6.1f} s: {rate:6.1f} an hour{beside}; best {best:.4f}"
    )
    return rate


def keras_tuner_alone(folder: Path, num_trials: int) -> list[Told]:
    """Run Keras Tuner's own loop around the same objective, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sweep.keras_tuner_alone", str(folder)]
    done = subprocess.run(
        [*command, str(num_trials)], check=True, capture_output=True, text=True, cwd=ROOT
    )
    found = json.loads(done.stdout.splitlines()[-1])
    say("Keras Tuner alone", num_trials, found["best"], found["seconds"])
    return [tuple(item) for item in found["told"]]


def auto_lstm(folder: Path, num_trials: int) -> tuple[float, float]:
    """Run neuralforecast's AutoLSTM in its environment on the same weeks.

    Returns:
        Its seconds, and its best model's weighted quantile loss on the last tuning fold.
    """
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
    return found["seconds"], found["wql"]


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
        times = {"two": took}
        say("2 workers x 1 thread", given.num_trials, two.best.scores[0], took, base)
        same = [a.values == b.values for a, b in zip(one.trials, two.trials, strict=True)]
        print(f"{'':<34} the same proposals: {all(same)}")
        pruned, took = sweep(folder, "pruned", count, "engine.num_workers=2")
        best = pruned.best.scores[0]
        say("2 workers, pruned (the default)", given.num_trials, best, took, base)
        told = {
            "2 workers": progress(folder, "two", times["two"]),
            "2 workers, pruned": progress(folder, "pruned", took),
            "Keras Tuner alone": keras_tuner_alone(folder, given.num_trials),
        }
        after, loss = auto_lstm(folder, given.num_trials) if given.peers else (times["two"], None)
        print(f"best after {after:.0f} s (mean of the tuning folds, and on the last one):")
        for name, trials in told.items():
            print(f"  {name:<32} {best_after(trials, after)}")
        if loss is not None:
            print(f"  {'neuralforecast AutoLSTM':<32} last fold {loss:.4f}")


if __name__ == "__main__":
    main()
