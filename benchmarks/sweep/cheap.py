"""A sweep whose trials only sleep: the real engine, nothing else.

python -m benchmarks.sweep.cheap JOB NAME        (what a worker runs)
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from restock.seeding import generator
from restock.settings.tree import Settings, parse_settings
from restock.sweeps.checkpoint import Checkpoints
from restock.sweeps.crew import Crew, local_workers, python, run_crew
from restock.sweeps.loop import Measure, Report
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.optuna.supervisor import Supervisor
from restock.sweeps.queue import Claim
from restock.sweeps.spec import freeze
from restock.sweeps.worker import TrialJob, close_runs, worker_main
from restock.tracking.protocol import Tracker
from restock.tracking.spool import Spool, SpoolTop
from restock.training.outcome import Measured, Outcome

ROOT = Path(__file__).parents[2]
SPACE = {
    "units": {"path": "model.units", "kind": "int", "low": 4, "high": 64},
    "dropout": {"path": "model.dropout", "kind": "float", "low": 0.0, "high": 0.5, "step": 0.1},
    "rate": {
        "path": "training.learning_rate", "kind": "float", "low": 1e-4, "high": 1e-1, "log": True,
    },
}  # fmt: skip


def settings(num_trials: int, sampler: str, epochs: int, **engine: object) -> Settings:
    """The project's own configuration with another search."""
    import yaml

    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["search"] = {
        "name": "cheap",
        "num_trials": num_trials,
        "space": SPACE,
        "tuner": {"name": "optuna", "sampler": sampler, "pruner": "none"},
    }
    tree["training"]["max_steps"] = epochs
    tree["engine"] = {**tree["engine"], **engine}
    return parse_settings(tree, where="params.yaml")


def objective(job: TrialJob, opened: OpenStudy) -> Measure:
    """Sleep for each epoch; note when work was done, and save as the real objective does."""
    folder = Path(job.folder)
    options = json.loads((folder / "options.json").read_text())

    def measure(claim: Claim, report: Report, _: Tracker) -> Outcome:
        states = Checkpoints(folder / "checkpoints" / f"{claim.slot:05d}")
        saved = states.load() if options["save"] else None
        curve = list(saved["curve"]) if saved else []
        started, slept = time.time(), 0.0
        epochs = opened.settings.training.max_steps
        for epoch, value in enumerate(curve):
            report(measured(epoch, epochs, value))
        for epoch in range(len(curve), epochs):
            began = time.perf_counter()
            time.sleep(seconds(options, claim.slot) / epochs)
            slept += time.perf_counter() - began
            curve.append(abs(claim.values["model.units"] - 40) / 40 + 1 / (epoch + 1))
            if options["save"]:
                states.save({"curve": np.array(curve)})
            report(measured(epoch, epochs, curve[-1]))
        states.clear()
        with (folder / "busy.log").open("a") as log:
            log.write(f"{started} {time.time()} {slept}\n")
        return Outcome.of([measured(epoch, epochs, value) for epoch, value in enumerate(curve)])

    return measure


def measured(done: int, total: int, loss: float) -> Measured:
    """Return what an epoch reports, as if it were a gradient step."""
    return Measured(done + 1, (done + 1) / total, loss, (loss,))


def seconds(options: dict[str, object], slot: int) -> float:
    """Length of a trial: fixed, or exponentially distributed with that mean."""
    mean = float(options["seconds"])  # type: ignore[arg-type]
    return generator(1, "length", slot).exponential(mean) if options["exponential"] else mean


@contextmanager
def open_study(url: str, chosen: Settings) -> Iterator[OpenStudy]:
    sweep = freeze(chosen.model_dump(mode="json"), name=None, data="none", commit="none")
    opened = OpenStudy.create(url, sweep, chosen.engine, chosen.search.num_trials)
    try:
        yield opened
    finally:
        opened.close()


def launch(
    folder: Path, url: str, chosen: Settings, *, spool: bool = True, **options: object
) -> float:
    """Run a sweep and return how long it took."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {"seconds": 0.0, "exponential": False, "save": False, **options}
    (folder / "options.json").write_text(json.dumps(given))
    with open_study(url, chosen) as opened:
        supervisor = Supervisor(opened)
        place = Spool(folder / "spool") if spool else None
        engine = chosen.engine.model_dump()
        job = TrialJob(
            url, supervisor.name, str(folder), str(place.folder) if place else None, engine
        )
        job.save(folder / "job.json")
        command = python("benchmarks.sweep.cheap", str(folder / "job.json"))
        crew = Crew(local_workers(command, folder / "logs", 1))

        def watch(_: Crew) -> None:
            supervisor.progress()

        started = time.perf_counter()
        if place is None:
            run_crew(crew, supervisor, chosen.engine.num_workers, watch=watch)
        else:
            with SpoolTop(place, {}).child(supervisor.name, key=opened.key):
                run_crew(crew, supervisor, chosen.engine.num_workers, watch=watch)
        took = time.perf_counter() - started
        close_runs(opened, place.folder if place else None)
    return took


def busy(folder: Path) -> np.ndarray:
    """When trials were at work: start, end, and seconds of work proper. Shape ``(trials, 3)``."""
    return np.loadtxt(folder / "busy.log")


if __name__ == "__main__":
    sys.exit(worker_main(objective, sys.argv[1:]))
