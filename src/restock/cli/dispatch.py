"""Run a command as typed: compose its settings, open its runs, and call its code."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from restock.cli.command import PARAMS, Command, Typed
from restock.cli.compose import Job, compose
from restock.cli.console import TerminalConsole
from restock.cli.project import NO_PROJECT, find_project, project_root
from restock.commands.arguments import Arguments
from restock.errors import UserError
from restock.settings.base import narrowed, replace_at
from restock.settings.tracking import TrackingSettings
from restock.settings.tree import Settings, load_params
from restock.tracking.context import Context
from restock.tracking.memory import NullTracker
from restock.tracking.protocol import Origin, Tracker
from restock.tracking.revision import commit
from restock.tracking.spool import SPOOL, Spool, SpoolTop
from restock.types.layout import Layout


def compose_and_run(command: Command, typed: Typed) -> None:
    """Run a command on composed settings: those of params.yaml, or conf/ with the overrides.

    Raises:
        UserError: If ``--params`` is used with other arguments, or a flag with a multirun; or,
            outside a project, if there is nothing that the command could work on.
    """
    if PARAMS.name in typed.flags:
        settings = _from_params(typed)
        _check_place(command, settings)
        _run(command, Job(settings, {}, None), Arguments(), from_pipeline=True)
        return
    if typed.multirun and typed.flags:
        raise UserError(
            f"{', '.join(typed.flags)} cannot be used with a multirun. Remove it, or -m."
        )
    jobs: list[Job] = []

    def each(job: Job) -> None:
        _check_place(command, job.settings)
        command.check(job)
        jobs.append(job)
        if not (typed.multirun and command.gathers):
            _run(command, job, Arguments(typed.names, typed.flags))

    if typed.multirun and not command.gathers and command.logged_as() is not None:
        token = f"{command.name} multirun-{secrets.token_hex(6)}"
        os.environ.setdefault("RESTOCK_PIPELINE", token)
    compose(command.name, [*typed.hydra, *command.first, *typed.overrides], each)
    if typed.multirun and jobs:
        command.finish(jobs)


def _check_place(command: Command, settings: Settings) -> None:
    if find_project() is None and not command.can_start(settings, project_root()):
        raise UserError(NO_PROJECT)


def _from_params(typed: Typed) -> Settings:
    if typed.names or typed.hydra or typed.overrides or len(typed.flags) > 1:
        raise UserError(
            "--params takes one file, and nothing else: no names, other flags or overrides."
        )
    path = Path(typed.flags[PARAMS.name])
    settings = load_params(path)
    source = settings.data.source
    if source.kind != "file":
        return settings
    # A path in conf/data/NAME.yaml is relative to that file. params.yaml has the same text.
    resolved = (path.parent / "conf" / "data" / source.path).resolve()
    return replace_at(settings, {"data.source.path": str(resolved)})


def _run(command: Command, job: Job, arguments: Arguments, *, from_pipeline: bool = False) -> None:
    root, settings = project_root(), job.settings
    console = TerminalConsole(command.name)
    files = Layout(*command.folders(Path(settings.output_dir), job.folder))
    origin = origin_of(settings, root)
    with tracked(command.logged_as(), settings.tracking, root, console, origin) as tracker:
        view = narrowed(command.settings(), settings)
        context = Context(view, files, root, console, tracker, origin, from_pipeline)
        parts = command.run(context, arguments)
    console.parts(parts)


def origin_of(settings: Settings, root: Path) -> Origin:
    """Return the origin of a run that starts now: the commit and the whole configuration."""
    return Origin(commit(root), settings.model_dump(mode="json"))


@contextmanager
def tracked(
    logged_as: str | None,
    settings: TrackingSettings,
    root: Path,
    console: TerminalConsole,
    origin: Origin,
) -> Iterator[Tracker]:
    """Yield the tracker of a command's runs, and send the runs while the block runs.

    Args:
        logged_as: Name of the command that they are logged as; None: it logs no runs.
        settings: Where runs are logged.
        root: The project's folder.
        console: Shows a message if the server does not answer.
        origin: Commit and configuration.
    """
    if logged_as is None or settings.name == "none":
        yield NullTracker()
        return
    from restock.tracking.mlflow.sender import Sender, sending
    from restock.tracking.mlflow.tracker import COMMAND_TAG, PIPELINE_VARIABLE

    top = SpoolTop(
        Spool(root / SPOOL),
        {COMMAND_TAG: logged_as, "commit": origin.commit},
        inherited=os.environ.get("MLFLOW_RUN_ID"),
        pipeline=os.environ.get(PIPELINE_VARIABLE),
    )
    with sending(Sender(top.store, settings, root), console.note):
        yield top


def end_multirun(jobs: Sequence[Job]) -> None:
    """End the parent run of the jobs of a multirun."""
    tracking = jobs[-1].settings.tracking
    if tracking.name != "none":
        from restock.tracking.mlflow.tracker import close_pipeline

        close_pipeline(tracking, project_root(), {})


def train_grid(jobs: Sequence[Job]) -> None:
    """Train the jobs of a multirun as a sweep. Each job writes to a folder below ``multirun/``."""
    from restock.stages.pipeline import PIPELINE
    from restock.sweeps import grid
    from restock.tracking.record import with_inputs

    _remove_hydras([job.folder for job in jobs if job.folder is not None])
    settings, root, console = jobs[0].settings, project_root(), TerminalConsole("train")
    files = Layout.at(Path(settings.output_dir))
    inputs = PIPELINE["train"].inputs(files)
    origin = with_inputs(origin_of(settings, root), inputs, root)
    with tracked("tune", settings.tracking, root, console, origin) as tracker:
        view = narrowed(grid.GridView, settings)
        context = Context(view, files, root, console, tracker, origin)
        grid.run([job.settings.model_dump(mode="json") for job in jobs], context)


def _remove_hydras(folders: Sequence[Path]) -> None:
    """Remove the folders that Hydra made for the jobs of a grid, which write to others."""
    for folder in folders:
        folder.rmdir()
    (folders[0].parent / "multirun.yaml").unlink(missing_ok=True)
    with suppress(OSError):  # another multirun of the same day is there
        folders[0].parent.rmdir()
        folders[0].parent.parent.rmdir()
