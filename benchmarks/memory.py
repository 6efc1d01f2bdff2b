"""Peak memory of the main job: proportional set size, summed over its processes, against 3 GB."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

LIMIT = 3e9
EVERY = 0.5  # seconds


def descendants(root: int) -> list[int]:
    """Return a process and everything below it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:  # it ended meanwhile
            continue
        parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for process in found:
        found += parents.get(process, [])
    return found


def proportional_size(process: int) -> int:
    """Return a process's proportional set size in bytes; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def main() -> None:
    # `--force`, so that every stage really runs.
    env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    job = subprocess.Popen(["dvc", "repro", "--force"], env=env, stdout=subprocess.DEVNULL)
    peak = 0
    while job.poll() is None:
        peak = max(peak, sum(proportional_size(process) for process in descendants(job.pid)))
        time.sleep(EVERY)
    assert job.returncode == 0
    print(f"peak {peak / 1e9:.2f} GB   {peak / LIMIT:.2f} of the limit of {LIMIT / 1e9:.0f} GB")


if __name__ == "__main__":
    main()
