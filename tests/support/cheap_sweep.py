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
from restock.training.outcome import Measured, Outcome
from support.builders import settings

SPACE = {
    "units": {"path": "model.units", "kind": "int", "low": 4, "high": 64},
    "dropout": {"path": "model.dropout", "kind": "float", "low": 0.0, "high": 0.5, "step": 0.1},
    "size": {"path": "training.batch_size", "kind": "categorical", "choices": [32, 64]},
}
DEFAULTS = {"rounds": 4, "seconds": 0.05, "spool": 1, "sampler": "random", "pruner": "none"}


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
        training={"max_steps": chosen["rounds"]},
        search={"name": "cheap", "num_trials": num_trials, "space": SPACE, "tuner": tuner},
        engine=engine,
    )


def bowl(values: dict[str, Any], done: int) -> float:
    """Lowest at 40 units; falls a little each round."""
    return float(abs(values["model.units"] - 40) / 40 + values["model.dropout"] + 1 / (done + 1))


def measured(done: int, total: int, loss: float, *by_fold: float) -> Measured:
    """Return what a round reports, as if it were a gradient step."""
    return Measured(done + 1, (done + 1) / total, loss, by_fold or (loss,), "wql")


def objective(folder: Path, rounds: int, seconds: float) -> Callable[..., Outcome]:
    """Two folds that differ by a constant; saves and resumes as the real objective does."""

    def of(done: int, value: float) -> Measured:
        return measured(done, rounds, value, value - 0.1, value + 0.1)

    def run(claim: Claim, report: Report, _: Tracker) -> Outcome:
        states = Checkpoints(folder / "checkpoints" / f"{claim.slot:05d}")
        saved = states.load()
        curve = list(saved["curve"]) if saved else []
        found = [of(done, float(value)) for done, value in enumerate(curve)]
        for known in found:
            report(known)
        for done in range(len(curve), rounds):
            time.sleep(seconds)
            with (folder / "rounds.log").open("a") as log:  # what was really trained
                log.write(f"{claim.slot} {done} {claim.number} {os.getpid()}\n")
            curve.append(bowl(claim.values, done))
            states.save({"curve": np.array(curve)})
            found.append(of(done, curve[-1]))
            report(found[-1])
        states.clear()
        return Outcome.of(found)

    return run


def cheap_objective(job: TrialJob, _: OpenStudy) -> Callable[..., Outcome]:
    options = json.loads((Path(job.folder) / "options.json").read_text())
    return objective(Path(job.folder), options["rounds"], options["seconds"])


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
