"""What pruning saves: the same random proposals, unpruned and pruned, on the main job's data.

    python -m benchmarks.sweep.pruning [--num-trials 40] [--pruners median hyperband]

Prints the share of gradient steps that a pruned sweep trains, and whether it reaches the unpruned
best. Steps do not depend on how busy the machine is; two workers prune by what both have told so
far.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.sweep.real import project, steps, sweep

LIMIT = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-trials", type=int, default=40)
    parser.add_argument("--pruners", nargs="+", default=["median"])
    given = parser.parse_args()
    every = [f"search.num_trials={given.num_trials}", "engine.num_workers=2"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project(folder)
        full, _ = sweep(folder, "full", *every, "search.tuner.pruner=none")
        for pruner in given.pruners:
            pruned, _ = sweep(folder, pruner, *every, f"search.tuner.pruner={pruner}")
            share = steps(pruned) / steps(full)
            best, reached = full.best.scores[0], pruned.best.scores[0]
            print(
                f"{pruner:<10} {steps(pruned)} of {steps(full)} steps: {share:.0%} (limit "
                f"{LIMIT:.0%}); best {reached:.4f}, unpruned {best:.4f}: "
                + ("reached" if reached <= best + 1e-12 else "MISSED")
            )


if __name__ == "__main__":
    main()
