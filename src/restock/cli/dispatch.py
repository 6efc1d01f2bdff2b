"""From a command's name and arguments to its code, with a run to log to."""

from __future__ import annotations

import importlib
import os
import secrets
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from restock.cli.console import TerminalConsole
from restock.cli.project import commit, project_root
from restock.config import Settings, load_params, replace_at
from restock.errors import UserError
from restock.inventory.demand import check_reach
from restock.stages.context import Context
from restock.tracking.memory import NullTracker
from restock.tracking.record import log_config
from restock.types.layout import Layout
from restock.types.tracking import Tracker

STAGES = ("fetch", "prepare", "featurize", "tune", "train", "evaluate", "forecast", "plan")
SPOOL = Path(".restock") / "spool"
LOGGED = ("tune", "train", "evaluate", "run")
FLAGS_WITH_VALUE = {
    *("-c", "--cfg", "-p", "--package", "-i", "--info", "--experimental-rerun"),
    *("-cp", "--config-path", "-cn", "--config-name", "-cd", "--config-dir"),
}
# Commands that take names before the overrides, and how to say so.
NAMED = {
    "explain": "say which series first: restock explain SERIES_ID [overrides]",
    "resume": "say which sweep: restock resume SWEEP [engine.num_workers=N]",
    "stop": "say which sweep: restock stop SWEEP",
    "compare": "say what to compare: restock compare SWEEP_OR_RUN...",
}
# Commands whose configured values the tuner's best would replace.
TUNED = ("train", "run")


def dispatch(command: str, arguments: Sequence[str]) -> None:
    """Run one command.

    ``--params FILE`` reads composed settings (how dvc.yaml calls a stage); otherwise conf/ is
    composed with the overrides. ``--overrides TEXT`` takes overrides as one string (how MLproject
    passes them).
    """
    if command == "params":
        from restock.cli import params

        params.run(arguments, TerminalConsole("params"))
        return
    names: tuple[str, ...] = ()
    if command in NAMED:
        names, arguments = _split_names(command, arguments)
    if "--params" in arguments:
        settings = _from_params(list(arguments))
        files = Layout.at(Path(settings.output_dir))
        _execute(command, settings, files, names, from_params=True)
        return
    _compose_and_execute(command, _split_overrides(list(arguments)), names)


def _split_names(command: str, arguments: Sequence[str]) -> tuple[tuple[str, ...], Sequence[str]]:
    """Take names off the front of the arguments; what follows is as for every command."""
    count = 0
    most = len(arguments) if command == "compare" else 1
    while count < min(most, len(arguments)) and _is_name(command, arguments[count]):
        count += 1
    if not count:
        raise UserError(NAMED[command])
    return tuple(arguments[:count]), arguments[count:]


def _is_name(command: str, argument: str) -> bool:
    """Tell a name from a flag or an override; a series may have any name."""
    return not argument.startswith("-") and (command == "explain" or "=" not in argument)


def _from_params(arguments: list[str]) -> Settings:
    if len(arguments) != 2 or arguments[0] != "--params":
        raise UserError("--params takes one file and no overrides beside it.")
    path = Path(arguments[1])
    settings = load_params(path)
    source = settings.data.source
    if source.path is None:
        return settings
    # In conf/data/NAME.yaml a path is relative to that file; params.yaml holds it as written.
    resolved = (path.parent / "conf" / "data" / source.path).resolve()
    return replace_at(settings, {"data.source.path": str(resolved)})


def _split_overrides(arguments: list[str]) -> list[str]:
    if "--overrides" not in arguments:
        return arguments
    at = arguments.index("--overrides")
    text = arguments[at + 1] if at + 1 < len(arguments) else ""
    # `mlflow run` quotes an empty default as two quotes.
    return arguments[:at] + [word for word in shlex.split(text) if word] + arguments[at + 2 :]


def _compose_and_execute(command: str, arguments: list[str], names: tuple[str, ...]) -> None:
    from restock.cli.compose import Job, compose

    flags, overrides = split_arguments(arguments)
    dry_run = "--dry-run" in flags
    flags = [flag for flag in flags if flag != "--dry-run"]
    multirun = bool({"-m", "--multirun"} & set(flags))
    if dry_run and (command != "tune" or multirun):
        raise UserError("--dry-run is for a sweep: restock tune --dry-run [overrides]")
    if command == "train":  # typed: train what it says, unless told otherwise
        overrides = ["training.use_tuned=false", *overrides]
    jobs: list[Job] = []

    def run(job: Job) -> None:
        root = Path(job.settings.output_dir)
        if command in TUNED and job.settings.training.use_tuned:
            from restock.cli.params import refuse_swept

            swept = {dimension.path for dimension in job.settings.search.space.values()}
            refuse_swept({p: v for p, v in job.overrides.items() if p in swept}, root)
        jobs.append(job)
        if multirun and command == "train":
            return  # the grid is launched when all of its jobs are known
        # A job of a multirun reads what is there and writes beside the others; `run` its own.
        target = job.folder or root
        files = Layout(target if command == "run" else root, target)
        _execute(command, job.settings, files, names, dry_run=dry_run)

    if multirun and command in LOGGED and command != "train":
        os.environ.setdefault("RESTOCK_PIPELINE", f"{command} multirun-{secrets.token_hex(6)}")
    compose(command, [*flags, *overrides], run)
    if not (multirun and jobs):
        return
    if command == "train":
        _remove_hydras([job.folder for job in jobs if job.folder is not None])
        _train_grid([job.settings for job in jobs])
    elif command in LOGGED and jobs[-1].settings.tracking.name != "none":
        from restock.tracking.mlflow.tracker import close_pipeline

        close_pipeline(jobs[-1].settings.tracking, project_root(), {})


def _remove_hydras(folders: Sequence[Path]) -> None:
    """Remove what Hydra made for the jobs of a grid, which write elsewhere."""
    for folder in folders:
        folder.rmdir()
    (folders[0].parent / "multirun.yaml").unlink(missing_ok=True)
    with suppress(OSError):  # another multirun of the same day is there
        folders[0].parent.rmdir()
        folders[0].parent.parent.rmdir()


def _train_grid(jobs: list[Settings]) -> None:
    from restock.stages import grid

    console, root = TerminalConsole("train"), project_root()
    files = Layout.at(Path(jobs[0].output_dir))
    with _tracker("tune", jobs[0], root, console) as tracker:
        grid.run(jobs, Context(files, tracker, console, root, commit(root)))


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split into Hydra's flags (with their values) and overrides, which then may stand anywhere.

    Hydra alone refuses overrides on both sides of a flag.
    """
    flags: list[str] = []
    overrides: list[str] = []
    takes_value = False
    for argument in arguments:
        if takes_value or argument.startswith("-"):
            flags.append(argument)
            takes_value = argument in FLAGS_WITH_VALUE
        else:
            overrides.append(argument)
    return flags, overrides


def _execute(
    command: str,
    settings: Settings,
    files: Layout,
    names: tuple[str, ...] = (),
    *,
    from_params: bool = False,
    dry_run: bool = False,
) -> None:
    console = TerminalConsole(command)
    root = project_root()
    if command == "explain":
        from restock.commands import explain

        console.parts(explain.run(settings, files, names[0]))
    elif command == "select":
        from restock.commands import select

        console.parts(select.run(settings, files, console))
    elif dry_run:
        from restock.commands import preflight

        console.parts(preflight.run(settings, files, console))
    elif command in ("sweeps", "stop", "compare", "sync"):
        _about_sweeps(command, settings, names, root, console)
    elif command == "resume":
        _resume(names[0], settings, files, root, console)
    elif command in ("promote", "summary"):
        _side_effects(command, settings, files, root, console)
    elif command == "run":
        _run_all(settings, files, root, console)
    else:
        with _tracker(command, settings, root, console) as tracker:
            context = Context(files, tracker, console, root, commit(root), rerun=from_params)
            _stage(command, settings, context)


def _about_sweeps(
    command: str, settings: Settings, names: tuple[str, ...], root: Path, console: TerminalConsole
) -> None:
    if command == "sync":
        from restock.commands import sync

        sync.run(settings, root / SPOOL, root, console)
        return
    from restock.commands import sweeps

    if command == "sweeps":
        console.parts(sweeps.list_sweeps(settings, root))
    elif command == "stop":
        sweeps.stop(names[0], settings, root, console)
    else:
        console.parts(sweeps.compare(names, settings, root))


def _resume(
    name: str, settings: Settings, files: Layout, root: Path, console: TerminalConsole
) -> None:
    """Go on with a sweep: of trials on the tuning folds, or of whole trainings."""
    from restock.commands.sweeps import is_grid

    stage = "grid" if is_grid(name, settings, root) else "tune"
    with _tracker("tune", settings, root, console) as tracker:
        context = Context(files, tracker, console, root, commit(root))
        importlib.import_module(f"restock.stages.{stage}").resume(name, settings, context)


def _stage(name: str, settings: Settings, context: Context) -> None:
    """Import a stage when it is its turn: the others need no TensorFlow."""
    importlib.import_module(f"restock.stages.{name}").run(settings, context)


@contextmanager
def _tracker(
    command: str, settings: Settings, root: Path, console: TerminalConsole
) -> Iterator[Tracker]:
    """Open the run of a command. A sweep opens its own: it may be one that was begun before."""
    if command not in LOGGED or settings.tracking.name == "none":
        yield NullTracker()
        return
    from restock.tracking.mlflow.sender import Sender, sending
    from restock.tracking.mlflow.tracker import COMMAND_TAG, PIPELINE_VARIABLE
    from restock.tracking.spool import Spool, SpoolTop

    top = SpoolTop(
        Spool(root / SPOOL),
        {COMMAND_TAG: command, "commit": commit(root)},
        inherited=os.environ.get("MLFLOW_RUN_ID"),
        pipeline=os.environ.get(PIPELINE_VARIABLE),
    )
    with sending(Sender(top.store, settings.tracking, root), console.note):
        if command == "tune":
            yield top
            return
        with top.child(command) as run:
            log_config(run, settings.model_dump(mode="json"))
            yield run


def _run_all(settings: Settings, files: Layout, root: Path, console: TerminalConsole) -> None:
    """Run every stage in one process; tuning only where its result is used."""
    # Before compute is spent: the last stage would refuse it.
    check_reach(settings.inventory.protection_interval, settings.evaluation.horizon)
    stages = [name for name in STAGES if name != "tune" or settings.training.use_tuned]
    with _tracker("run", settings, root, console) as tracker:
        context = Context(files, NullTracker(), console, root, commit(root))
        for name in stages:
            console.prefix = name
            if name == "tune":  # opens a run of its own
                _stage(name, settings, replace(context, tracker=tracker))
            elif name not in LOGGED:
                _stage(name, settings, context)
            else:
                with tracker.child(name) as run:
                    run.set_tags({"restock.command": name})
                    _stage(name, settings, replace(context, tracker=run))
    _side_effects("summary", settings, files, root, console)


def _side_effects(
    command: str, settings: Settings, files: Layout, root: Path, console: TerminalConsole
) -> None:
    if command == "promote":
        from restock.commands import promote

        promote.run(settings, files, root, {"commit": commit(root)}, console)
        return
    from restock.commands import summary

    console.parts(summary.run(settings, files, root))
