"""A random process of a sweep is killed every 2 to 5 seconds, twenty times.

    python -m benchmarks.sweep.kills [--postgres URL]

The launcher is started again whenever it was the one. At the end every trial must be complete once,
and nothing may be left running: neither in the study nor, after the spool is sent, in MLflow.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.sweep.cheap import ROOT, launch, open_study, settings
from restock.settings.tracking import TrackingSettings
from restock.settings.tree import Settings
from restock.tracking.mlflow.sender import Sender
from restock.tracking.spool import Spool

KILLS, TRIALS, WORKERS = 20, 30, 2


def chosen() -> Settings:
    return settings(TRIALS, "tpe", 6, num_workers=WORKERS, heartbeat=1, grace=4, max_retries=100)


def start(url: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.sweep.kills", "--launch", url, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def workers(folder: Path) -> list[int]:
    """Process ids of this sweep's workers."""
    query = ["pgrep", "-f", f"benchmarks.sweep.cheap {folder}/"]
    found = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    return [int(line) for line in found.split()]


def kill_loop(url: str, folder: Path) -> None:
    rng, killed = random.Random(1), Counter[str]()
    launcher = start(url, folder)
    started = time.perf_counter()
    while sum(killed.values()) < KILLS:
        time.sleep(rng.uniform(2, 5))
        if launcher.poll() is not None:
            launcher = start(url, folder)
            continue
        victim = rng.choice([launcher.pid, *workers(folder)])
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed["launcher" if victim == launcher.pid else "worker"] += 1
    while launcher.wait() != 0:
        launcher = start(url, folder)
    wall = time.perf_counter() - started
    with open_study(url, chosen()) as opened:
        attempts = opened.attempts()
        states = Counter(attempt.state.name for attempt in attempts)
        done = Counter(a.user_attrs["slot"] for a in attempts if a.state.name == "COMPLETE")
        numbers = len({attempt.number for attempt in attempts})
    tracking = TrackingSettings(model_name="m")
    sender = Sender(Spool(folder / "spool"), tracking, folder)
    left = sender.send()
    client, experiment = sender._connect()
    orphans = len(client.search_runs([experiment], "attributes.status = 'RUNNING'"))
    whole = done == dict.fromkeys(range(TRIALS), 1) and numbers == len(attempts)
    good = whole and not left and not orphans and set(states) <= {"COMPLETE", "FAIL"}
    print(
        f"{url.split(':', 1)[0]}: {dict(killed)} killed in {wall:.0f} s; {states['COMPLETE']} of "
        f"{TRIALS} complete, each once: {whole}; attempts {len(attempts)}; orphans: study "
        f"{states['RUNNING'] + states['WAITING']}, MLflow {orphans}, spool {left}: "
        f"{'as it should be' if good else 'WRONG'}"
    )


def main() -> None:
    if sys.argv[1:2] == ["--launch"]:
        launch(Path(sys.argv[3]), sys.argv[2], chosen(), seconds=3.0, save=True)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", help="URL of an empty database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        kill_loop(f"sqlite:///{scratch}/kills.db", Path(scratch) / "sqlite")
        if given.postgres:
            kill_loop(given.postgres, Path(scratch) / "postgres")


if __name__ == "__main__":
    main()
