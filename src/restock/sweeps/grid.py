"""A grid of whole trainings, `restock train -m`: a sweep that can be resumed.

Its workers run `python -m restock.sweeps.grid JOB WORKER`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from restock.data.files import read_json
from restock.data.store import panel_digest, write_table
from restock.errors import ConfigError
from restock.settings.base import View, leaves, paths
from restock.settings.engine import EngineSettings
from restock.settings.sweep import SweepSettings
from restock.sweeps.launch import launch, reopen, run_trials
from restock.sweeps.loop import Measure, Report
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.places import jobs_folder
from restock.sweeps.queue import Claim
from restock.sweeps.spec import freeze
from restock.sweeps.worker import TrialJob, worker_main
from restock.tracking.context import Context
from restock.tracking.protocol import Tracker
from restock.training.job import train
from restock.training.outcome import Measured, Outcome
from restock.training.report import Logged, Phase
from restock.training.view import TrainingView
from restock.types import layout
from restock.types.layout import Layout

Point = dict[str, Any]
MODULE = "restock.sweeps.grid"  # also when it runs as a program


class GridView(View):
    """The settings for the launch of a grid. Its jobs read the settings of a training."""

    engine: EngineSettings
    """Workers and threads."""
    sweep: SweepSettings = SweepSettings()
    """The name of the grid."""


class GridJob(TrainingView):
    """The part of the frozen configuration that one job of a grid reads."""

    output_dir: str
    """Folder of the panel."""


def run(configs: Sequence[Mapping[str, Any]], context: Context[GridView]) -> None:
    """Train every job of a grid. Each job writes to its own folder below ``multirun/``.

    Args:
        configs: The whole composed configuration of each job.
        context: Files, console and tracker.

    Raises:
        ConfigError: If the engine is a cluster, or jobs differ in what no training reads.
    """
    engine, points = context.settings.engine, differences(configs)
    if engine.name != "local":
        raise ConfigError("a grid of whole trainings runs on one machine only: remove engine=ray")
    check_read(points)
    sweep = freeze(
        configs[0],
        name=context.settings.sweep.name,
        data=_data_digest(context),
        commit=context.origin.commit,
        points=points,
    )
    with closing(launch(sweep, engine, context, len(points))) as opened:
        _run_trials(opened, context)


def check_read(points: Sequence[Point]) -> None:
    """Refuse settings that no training reads: with all their values, the jobs would be the same."""
    read = set(paths(GridJob))
    unread = sorted({path for point in points for path in point if path not in read})
    unread = [path for path in unread if not path.startswith("search.space.")]
    if unread:
        raise ConfigError(
            f"train -m: {', '.join(unread)} is not read by `train`, so that jobs with different "
            "values would be the same training. Run `restock run` once for each value, with an "
            "output_dir of its own."
        )


def resume(name: str, engine: EngineSettings, context: Context[Any]) -> None:
    """Continue a grid with its frozen settings. Only engine and tracking are the current ones.

    Args:
        name: Name of the sweep.
        engine: The current engine settings.
        context: Files, console and tracker.
    """
    with closing(reopen(name, engine, context, _data_digest(context))) as opened:
        _run_trials(opened, context)


def differences(configs: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Return the settings in which the jobs of a grid differ: for each job, values by path.

    If jobs do not have the same settings in a group, the whole group is returned.
    """
    first = configs[0]
    names = [name for name in first if any(config[name] != first[name] for config in configs)]
    points: list[Point] = [{} for _ in configs]
    for name in names:
        flat = [dict(leaves(config[name], name)) for config in configs]
        same_keys = all(set(own) == set(flat[0]) for own in flat)
        for point, config, own in zip(points, configs, flat, strict=True):
            if not same_keys:
                point[name] = config[name]
                continue
            for path in own:
                if any(other[path] != flat[0][path] for other in flat):
                    point[path] = own[path]
    return tuple(points)


def _run_trials(opened: OpenStudy, context: Context[Any]) -> None:
    result = run_trials(opened, context, MODULE)
    folder = jobs_folder(context.root, opened.sweep.name)
    write_table(folder / "jobs.csv", result.table())
    context.console.note(result.why())
    context.console.note(f"each job's bundle is in {folder}/TRIAL; all jobs: {folder}/jobs.csv")


def _data_digest(context: Context[Any]) -> str:
    return panel_digest(context.files.read(layout.PANEL))


class _Reported(Logged):
    """Logs the losses of a job, and reports those on the tuning folds to the sweep."""

    def __init__(self, run: Tracker, report: Report) -> None:
        super().__init__(run)
        self.report = report

    def begin(self, phase: Phase, steps: int) -> None:
        super().begin(phase, steps)
        _say(f"{phase}: {steps} steps")

    def steps(self, losses: Sequence[float]) -> None:
        super().steps(losses)
        self.report(None)

    def measured(self, found: Measured) -> None:
        super().measured(found)
        _say(f"{found.steps} steps: {found.loss:.4f}")
        self.report(found)


def _say(message: str) -> None:
    """Write to the worker's log."""
    print(message, flush=True)  # noqa: T201


def train_objective(job: TrialJob, opened: OpenStudy) -> Measure:
    """Return the function that trains one job of the grid, from its first step."""
    root = Path(job.folder).parents[2]

    def measure(claim: Claim, report: Report, run: Tracker) -> Outcome:
        settings = opened.sweep.view(GridJob, claim.values)
        target = jobs_folder(root, opened.sweep.name) / str(claim.slot)
        files = Layout(Path(settings.output_dir), target)
        train(settings, files, run, _Reported(run, report), _say)
        for name in layout.TRAINED:
            run.log_artifact(files.write(name))
        metrics = read_json(files.write(layout.TRAIN_METRICS))
        by, steps = settings.evaluation.loss, metrics["steps"]
        tuned = metrics[f"tuning_{by}"]
        value = tuned if tuned is not None else metrics["loss"]
        return Outcome(value, steps, (value,), ((value,),), by, (steps,))

    return measure


if __name__ == "__main__":
    sys.exit(worker_main(train_objective, sys.argv[1:]))
