"""A real sweep with a cheap objective, as processes that tests may kill.

python -m support.cheap_sweep FOLDER URL NUM_TRIALS NUM_WORKERS [KEY=VALUE ...]
python -m support.cheap_sweep worker JOB NAME          (what its workers run)
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from restock.errors import RestockError
from restock.settings.tree import Settings
from restock.sweeps.checkpoint import Checkpoints
from restock.sweeps.crew import Crew, local_workers, python, run_crew
from restock.sweeps.loop import Report
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.optuna.supervisor import Supervisor
from restock.sweeps.queue import Claim
from restock.sweeps.spec import freeze
from restock.sweeps.worker import TrialJob, close_runs, worker_main
from restock.tracking.protocol import Tracker
from restock.tracking.spool import Spool, SpoolTop
from restock.training.outcome import Outcome
from support.builders import settings

SPACE = {
    "units": {"path": "model.units", "kind": "int", "low": 4, "high": 64},
    "dropout": {"path": "model.dropout", "kind": "float", "low": 0.0, "high": 0.5, "step": 0.1},
    "size": {"path": "training.batch_size", "kind": "categorical", "choices": [32, 64]},
}
DEFAULTS = {"epochs": 4, "seconds": 0.05, "spool": 1, "sampler": "random", "pruner": "none"}


def cheap_settings(num_trials: int, **options: Any) -> Settings:
    chosen = {**DEFAULTS, **options}
    tuner = {"name": "optuna", "sampler": chosen["sampler"], "pruner": chosen["pruner"]}
    engine = {
        name: chosen[name]
        for name in ("num_workers", "heartbeat", "grace", "max_retries")
        if name in chosen
    }
    return settings(
        model={"dropout": 0.1, "units": 20},
        training={"max_epochs": chosen["epochs"]},
        search={"name": "cheap", "num_trials": num_trials, "space": SPACE, "tuner": tuner},
        engine=engine,
    )


def bowl(values: dict[str, Any], epoch: int) -> float:
    """Lowest at 40 units; falls a little each epoch."""
    return float(abs(values["model.units"] - 40) / 40 + values["model.dropout"] + 1 / (epoch + 1))


def objective(folder: Path, epochs: int, seconds: float) -> Callable[..., Outcome]:
    """Two folds that differ by a constant; saves and resumes as the real objective does."""

    def run(claim: Claim, report: Report, _: Tracker) -> Outcome:
        states = Checkpoints(folder / "checkpoints" / f"{claim.slot:05d}")
        saved = states.load()
        curve = list(saved["curve"]) if saved else []
        for epoch, value in enumerate(curve):
            report(epoch, [value - 0.1, value + 0.1])
        for epoch in range(len(curve), epochs):
            time.sleep(seconds)
            with (folder / "epochs.log").open("a") as log:  # what was really trained
                log.write(f"{claim.slot} {epoch} {claim.number} {os.getpid()}\n")
            curve.append(bowl(claim.values, epoch))
            states.save(epoch + 1, {"curve": np.array(curve)})
            report(epoch, [curve[-1] - 0.1, curve[-1] + 0.1])
        states.clear()
        folds = tuple(tuple(value + off for value in curve) for off in (-0.1, 0.1))
        best = int(np.argmin(curve))
        return Outcome(float(curve[best]), best + 1, tuple(map(float, curve)), folds)

    return run


def cheap_objective(job: TrialJob, _: OpenStudy) -> Callable[..., Outcome]:
    options = json.loads((Path(job.folder) / "options.json").read_text())
    return objective(Path(job.folder), options["epochs"], options["seconds"])


def launch(folder: Path, url: str, num_trials: int, num_workers: int, **options: Any) -> None:
    chosen = {**DEFAULTS, **options}
    folder.mkdir(parents=True, exist_ok=True)
    frozen = cheap_settings(num_trials, num_workers=num_workers, **options)
    config = frozen.model_dump(mode="json")
    sweep = freeze(config, name=None, data="data", commit="commit")
    opened = OpenStudy.create(url, sweep, frozen.engine, num_trials)
    supervisor = Supervisor(opened)
    (folder / "options.json").write_text(json.dumps(chosen))
    spool = Spool(folder / "spool") if chosen["spool"] else None
    engine = frozen.engine.model_dump()
    job = TrialJob(url, sweep.name, str(folder), str(spool.folder) if spool else None, engine)
    job.save(folder / "job.json")
    command = python("support.cheap_sweep", "worker", str(folder / "job.json"))
    crew = Crew(local_workers(command, folder / "logs", 1))
    top = SpoolTop(spool, {}) if spool else None

    def go() -> None:
        run_crew(crew, supervisor, num_workers, watch=lambda _: None)

    if top is None:
        go()
    else:
        with top.child(sweep.name, key=opened.key):
            go()
        close_runs(opened, spool.folder if spool else None)
    result = supervisor.result()
    print(f"complete {len(result.trials)} best {result.best.number}")


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        sys.exit(worker_main(cheap_objective, sys.argv[2:]))
    given = {
        key: (
            value if key in ("sampler", "pruner") else float(value) if "." in value else int(value)
        )
        for key, value in (item.split("=") for item in sys.argv[5:])
    }
    try:
        launch(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), **given)
    except RestockError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
