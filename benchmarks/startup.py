"""Start-up: `restock --help` against bare Python, and a no-op main job against DVC's own no-op."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
RUNS = 7


def seconds(command: list[str], runs: int = RUNS) -> float:
    """Median wall time of a command."""
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def main() -> None:
    bare = seconds([sys.executable, "-c", "pass"])
    usage = seconds([str(BIN / "restock"), "--help"])
    print(f"restock --help     {usage:.3f} s   {usage / bare:.1f} x bare Python   limit 1 s")
    dvc = seconds([str(BIN / "dvc"), "repro"], runs=3)
    job = seconds(["bash", ".ci/main-job"], runs=3)
    print(f"dvc repro (no-op)  {dvc:.2f} s")
    print(f"main job (no-op)   {job:.2f} s   {job / dvc:.1f} x DVC's own")


if __name__ == "__main__":
    main()
