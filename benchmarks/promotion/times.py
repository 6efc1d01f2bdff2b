"""What promotion costs: register, verify and move; and the history of 1,000 versions.

    python -m benchmarks.promotion.times [--count 5]

A small bundle on a SQLite store: what is measured is all but training, scoring and a slow network.
The clean process that repeats the smoke forecast is a real one here.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.promotion.kills import fork, prepare, promote, wait
from benchmarks.sweep.real import RESTOCK
from restock.champions.moves import Move, mirror_of
from restock.champions.verify import load_in_clean_process
from restock.champions.view import PromotionView
from restock.tracking.context import Context

PROMOTION_LIMIT, HISTORY_LIMIT = 10.0, 1.0  # seconds


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def say(what: str, took: list[float], limit: float) -> None:
    middle = statistics.median(took)
    print(
        f"{what:<44} {middle:5.2f} s ({min(took):.2f} to {max(took):.2f}; limit {limit:g} s: "
        f"{middle / limit:.0%})"
    )


def promoted(context: Context[PromotionView], number: int) -> None:
    """Promote in a child, as a warm process does."""
    work = partial(promote, context, number, load=load_in_clean_process)
    assert wait(fork(work)) == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        context = prepare(folder)
        promoted(context, 0)  # makes the tables
        took = [timed(partial(promoted, context, number)) for number in range(1, given.count + 1)]
        say("register, verify in a clean process, move", took, PROMOTION_LIMIT)
        first = Move(1, "promote", None, "1", "better")
        mirror_of(folder, "online_retail").append(
            dataclasses.replace(first, number=n, from_version=str(n - 1), to_version=str(n))
            for n in range(1, 1001)
        )
        history = partial(
            subprocess.run, [RESTOCK, "history"], cwd=folder, check=True, capture_output=True
        )
        history()
        took = [timed(history) for _ in range(given.count)]
        say("restock history, 1,000 versions", took, HISTORY_LIMIT)


if __name__ == "__main__":
    main()
