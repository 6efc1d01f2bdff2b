"""Run one peer on a task, in the peers' own environment.

    python benchmarks/accuracy/peers/run_peer.py lstm FOLDER

FOLDER holds the task (task.py); NAME.parquet and NAME.json are written beside it.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from task import read_task, write_forecasts

PEERS = ("lstm", "trees", "ets")


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    if name not in PEERS:
        sys.exit(f"no peer {name!r}; there are {', '.join(PEERS)}")
    peer = importlib.import_module(name)
    task = read_task(folder)
    start = time.perf_counter()
    quantiles, choice = peer.run(task)
    write_forecasts(folder / name, task, quantiles, time.perf_counter() - start, choice)


if __name__ == "__main__":
    main()
