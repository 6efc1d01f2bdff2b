"""A thousand trivial trials with four workers: none lost, and what one costs as the study grows.

    python -m benchmarks.sweep.many [--postgres URL] [--num-trials 1000]

Then `restock sweeps` is timed on a study of ten thousand (limit 2 s).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import optuna

from benchmarks.sweep.cheap import busy, launch, open_study, settings

WORKERS = 4
LISTED = 10_000


def work_off(url: str, folder: Path, num_trials: int) -> None:
    """Run them, check that none is lost, and print the cost of a trial by tenths of the study."""
    chosen = settings(num_trials, "random", 1, num_workers=WORKERS)
    wall = launch(folder, url, chosen, spool=False)
    with open_study(url, chosen) as opened:
        states = Counter(attempt.state.name for attempt in opened.attempts())
        slots = [len(tried) for tried in opened.snapshot().slots.values()]
    whole = states == {"COMPLETE": num_trials} and set(slots) == {1} and len(slots) == num_trials
    ends = np.sort(busy(folder)[:, 1])
    tenths = np.diff(ends[np.linspace(0, num_trials - 1, 11).astype(int)])
    each = tenths / (num_trials / 10) * 1000
    print(
        f"{url.split(':', 1)[0]}: {num_trials} trials, {WORKERS} workers, {wall:.1f} s, "
        f"{'none lost' if whole else f'LOST: {dict(states)}'}; ms a trial by tenths: "
        f"{' '.join(f'{value:.0f}' for value in each)} (last / first {each[-1] / each[0]:.2f})"
    )


def list_many(folder: Path) -> None:
    """Time the command on a study with very many trials."""
    url = f"sqlite:///{folder / 'optuna.db'}"
    chosen = settings(LISTED, "random", 1)
    with open_study(url, chosen) as opened:
        done = optuna.create_trial(value=1.0, user_attrs={"slot": 0, "worker": "w"})
        opened.study.add_trials([done] * LISTED)
    command = [str(Path(sys.executable).with_name("restock")), "sweeps", f"engine.study_url={url}"]
    took = []
    for _ in range(3):
        started = time.perf_counter()
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        took.append(time.perf_counter() - started)
    assert f"{LISTED}/{LISTED}" in shown, shown
    print(f"restock sweeps with {LISTED} trials: {np.median(took):.2f} s (limit 2 s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", help="URL of an empty database")
    parser.add_argument("--num-trials", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        work_off(f"sqlite:///{folder / 'many.db'}", folder / "sqlite", given.num_trials)
        if given.postgres:
            work_off(given.postgres, folder / "postgres", given.num_trials)
        list_many(folder)


if __name__ == "__main__":
    main()
