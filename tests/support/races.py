"""What several processes do at once, each as a program.

python -m support.races open URL FOLDER      (a study and a tracking store, fresh)
python -m support.races take URL SWEEP       (trials, until there are none)
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from restock.settings.engine import EngineSettings
from restock.settings.tracking import TrackingSettings
from restock.sweeps.optuna.queue import OptunaQueue
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.spec import freeze
from restock.tracking.mlflow.tracker import connect
from support.cheap_sweep import cheap_settings


def open_fresh(url: str, folder: str) -> None:
    """Create or join the study of a sweep; create or join the store for its runs."""
    frozen = cheap_settings(3)
    sweep = freeze(frozen.model_dump(mode="json"), name=None, data="d", commit="c")
    OpenStudy.create(url, sweep, frozen.engine, 3).close()
    connect(TrackingSettings(model_name="m"), Path(folder))


def take_all(url: str, sweep: str) -> None:
    """Say that it is ready; after a line of input, take trials and print their numbers."""
    with closing(OpenStudy.open(url, sweep, EngineSettings())) as opened:
        queue = OptunaQueue(opened)
        print("ready", flush=True)
        sys.stdin.readline()
        while (claim := queue.claim("w")) is not None:
            print(claim.number)


if __name__ == "__main__":
    {"open": open_fresh, "take": take_all}[sys.argv[1]](*sys.argv[2:])
