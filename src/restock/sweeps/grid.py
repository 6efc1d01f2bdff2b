"""A grid of whole trainings: `restock train -m`, as a sweep that can be resumed.

`python -m restock.sweeps.grid JOB WORKER` is what its workers run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from restock.data.files import read_json
from restock.data.store import panel_digest, write_table
from restock.errors import ConfigError
from restock.settings.tree import Settings, TrackingSettings, leaves, replace_at
from restock.stages import train
from restock.sweeps.keys import jobs_folder
from restock.sweeps.launch import launch, rejoin, table, why, work_off
from restock.sweeps.loop import Claim, Report, Run
from restock.sweeps.optuna.queue import OptunaLedger
from restock.sweeps.results import Outcome
from restock.sweeps.spec import freeze
from restock.sweeps.worker import TrialJob, worker_main
from restock.tracking.context import Context
from restock.tracking.protocol import Progress, SweepView, Tracker
from restock.types import layout
from restock.types.layout import Layout

Point = dict[str, Any]
MODULE = "restock.sweeps.grid"  # also when it runs as a program


def run(jobs: Sequence[Settings], context: Context) -> None:
    """Train every job of a grid; each writes to a folder of its own below ``multirun/``."""
    base, points = jobs[0], differences(jobs)
    if base.engine.name != "local":
        raise ConfigError("a grid of whole trainings runs on one machine: leave out engine=ray")
    sweep = freeze(
        base,
        data=_data_digest(context),
        commit=context.commit,
        points=points,
    )
    with closing(launch(sweep, base, context, len(points))) as ledger:
        _train(ledger, base.tracking, context)


def resume(name: str, settings: Settings, context: Context) -> None:
    """Go on with a grid as it was frozen; only engine and tracking are as they are now."""
    with closing(rejoin(name, settings.engine, context, _data_digest(context))) as ledger:
        _train(ledger, settings.tracking, context)


def differences(jobs: Sequence[Settings]) -> tuple[Point, ...]:
    """Return what sets the jobs of a grid apart: the differing settings of each, by path.

    Where jobs differ in which settings they have, the whole group is given.
    """
    trees = [job.model_dump(mode="json") for job in jobs]
    names = [name for name in trees[0] if any(tree[name] != trees[0][name] for tree in trees)]
    points: list[Point] = [{} for _ in trees]
    for name in names:
        flat = [dict(leaves(tree[name], name)) for tree in trees]
        same_keys = all(set(own) == set(flat[0]) for own in flat)
        for point, tree, own in zip(points, trees, flat, strict=True):
            if not same_keys:
                point[name] = tree[name]
                continue
            for path in own:
                if any(other[path] != flat[0][path] for other in flat):
                    point[path] = own[path]
    return tuple(points)


def _train(ledger: OptunaLedger, tracking: TrackingSettings, context: Context) -> None:
    result = work_off(ledger, context, tracking, MODULE)
    folder = jobs_folder(context.root, ledger.sweep.name)
    write_table(folder / "jobs.csv", table(result))
    context.console.note(why(result))
    context.console.note(f"each job's bundle is in {folder}/TRIAL; all jobs: {folder}/jobs.csv")


def _data_digest(context: Context) -> str:
    return panel_digest(context.layout.read(layout.PANEL))


class _Watched:
    """A run that also reports the tuning loss of each epoch to the sweep."""

    def __init__(self, run: Tracker, report: Report) -> None:
        self.run, self.report = run, report

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.run.log_metrics(metrics, step)
        if "tuning_wql" in metrics and step is not None:
            self.report(step, [metrics["tuning_wql"]])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)


class _Log:
    """What a job says goes to its worker's log."""

    def note(self, message: str) -> None:
        print(message, flush=True)  # noqa: T201

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[Progress]:  # noqa: ARG002
        yield self

    @contextmanager
    def sweep(self) -> Iterator[Callable[[SweepView], None]]:
        yield lambda _: None

    def advance(self, text: str = "") -> None:
        self.note(text)


def train_objective(job: TrialJob, ledger: OptunaLedger) -> Run:
    """Return what trains one job of the grid, from its first epoch."""
    root = Path(job.folder).parents[2]

    def measure(claim: Claim, report: Report, run: Tracker) -> Outcome:
        settings = replace_at(ledger.settings, claim.values)
        target = jobs_folder(root, ledger.sweep.name) / str(claim.slot)
        files = Layout(Path(settings.output_dir), target)
        watched: Any = _Watched(run, report)
        train.run(settings, Context(files, watched, _Log(), root))
        metrics = read_json(files.write(layout.TRAIN_METRICS))
        value = metrics["tuning_wql"] if metrics["tuning_wql"] is not None else metrics["loss"]
        return Outcome(value, metrics["epochs"], (value,), ((value,),))

    return measure


if __name__ == "__main__":
    sys.exit(worker_main(train_objective, sys.argv[1:]))
