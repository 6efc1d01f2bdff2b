"""From a command's name and arguments to its code, with a run to log to."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from restock.cli.arguments import Typed, parse
from restock.cli.console import TerminalConsole
from restock.cli.project import changes, commit, dvc_remote, project_root
from restock.data.inputs import check_inputs, hashes
from restock.errors import UserError
from restock.settings.tree import Settings, load_params, replace_at
from restock.tracking.context import Context
from restock.tracking.memory import NullTracker
from restock.tracking.protocol import Dataset, Origin, Tracker
from restock.tracking.record import log_origin
from restock.types import layout
from restock.types.layout import Layout

STAGES = ("fetch", "prepare", "featurize", "tune", "train", "evaluate", "forecast", "plan")
SPOOL = Path(".restock") / "spool"
LOGGED = ("tune", "train", "evaluate", "run")
STUDIES = ("explain", "select")  # of what is there; logged, but with no inputs of their own
# Commands whose configured values the tuner's best would replace.
TUNED = ("train", "run")


def dispatch(command: str, arguments: Sequence[str]) -> None:
    """Run one command.

    ``--params FILE`` reads composed settings (how dvc.yaml calls a stage); otherwise conf/ is
    composed with the overrides.
    """
    if command == "params":
        from restock.cli import params

        params.run(arguments, TerminalConsole("params"))
    elif "--params" in arguments:
        settings = _from_params(list(arguments))
        files = Layout.at(Path(settings.output_dir))
        _execute(command, settings, files, Typed(), from_params=True)
    else:
        _compose_and_execute(command, parse(command, arguments))


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


def _compose_and_execute(command: str, typed: Typed) -> None:
    from restock.cli.compose import Job, compose

    multirun = bool({"-m", "--multirun"} & set(typed.hydra))
    if multirun and typed.flags:
        raise UserError(f"{', '.join(typed.flags)} is for one run, not for a multirun.")
    overrides = list(typed.overrides)
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
        _execute(command, job.settings, files, typed)

    if multirun and command in LOGGED and command != "train":
        os.environ.setdefault("RESTOCK_PIPELINE", f"{command} multirun-{secrets.token_hex(6)}")
    compose(command, [*typed.hydra, *overrides], run)
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
    from restock.sweeps import grid

    console, root = TerminalConsole("train"), project_root()
    files = Layout.at(Path(jobs[0].output_dir))
    origin = _origin(jobs[0], root, hashes("train", files.root))
    with _tracker("tune", jobs[0], root, console) as tracker:
        grid.run(jobs, Context(files, tracker, console, root, commit(root), origin=origin))


def _execute(
    command: str, settings: Settings, files: Layout, typed: Typed, *, from_params: bool = False
) -> None:
    console = TerminalConsole(command)
    root, names = project_root(), typed.names
    if command == "explain":
        from restock.commands import explain

        opened = partial(_tracker, command, settings, root, console)
        console.parts(explain.run(settings, files, names[0], opened))
    elif command == "select":
        from restock.commands import select

        opened = partial(_tracker, command, settings, root, console)
        console.parts(select.run(settings, files, opened, console))
    elif command == "tune" and "--dry-run" in typed.flags:
        from restock.commands import preflight

        console.parts(preflight.run(settings, files, console))
    elif command in ("sweeps", "stop", "compare", "sync"):
        _about_sweeps(command, settings, names, root, console)
    elif command == "history":
        from restock.commands import history

        console.parts(history.run(settings, root, refresh="--refresh" in typed.flags))
    elif command in ("rollback", "diff", "card", "rerun"):
        _about_champions(command, settings, files, typed, console)
    elif command == "resume":
        _resume(names[0], settings, files, root, console)
    elif command == "promote":
        _promote(settings, files, typed, root, console)
    elif command == "summary":
        from restock.commands import summary

        console.parts(summary.run(settings, files, root))
    elif command == "run":
        _run_all(settings, files, root, console)
    else:
        # Large tables are not read once more where nobody asks for their hash.
        inputs = hashes(command, files.root) if from_params or command in LOGGED else {}
        if from_params:
            check_inputs(inputs, files.root, root)
        origin = _origin(settings, root, inputs) if command in LOGGED else None
        with _tracker(command, settings, root, console, origin) as tracker:
            context = Context(files, tracker, console, root, commit(root), from_params, origin)
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
    command: str,
    settings: Settings,
    root: Path,
    console: TerminalConsole,
    origin: Origin | None = None,
) -> Iterator[Tracker]:
    """Open the run of a command. A sweep opens its own: it may be one that was begun before."""
    if command not in (*LOGGED, *STUDIES) or settings.tracking.name == "none":
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
            _log_origin(run, settings, origin)
            yield run


def _log_origin(run: Tracker, settings: Settings, origin: Origin | None) -> None:
    if origin is not None:
        log_origin(run, settings.model_dump(mode="json"), origin)


def _origin(settings: Settings, root: Path, inputs: Mapping[str, str]) -> Origin | None:
    """Return what a run comes from that starts now and reads these inputs; None: none is kept."""
    if settings.tracking.name == "none":
        return None
    dataset, revision = None, commit(root)
    if layout.PANEL in inputs:
        path = (Path(settings.output_dir) / layout.PANEL).as_posix()
        at = (inputs[layout.PANEL], dvc_remote(root), revision)
        dataset = Dataset(settings.data.name, path, *at)
    return Origin(revision, changes(root), inputs, dataset)


def _run_all(settings: Settings, files: Layout, root: Path, console: TerminalConsole) -> None:
    """Run every stage in one process; tuning only where its result is used."""
    from restock.decisions.demand import check_reach
    from restock.forecasters.export import check_export

    # Before compute is spent: the last stages would refuse it.
    check_export()
    check_reach(settings.inventory.protection_interval, settings.evaluation.horizon)
    stages = [name for name in STAGES if name != "tune" or settings.training.use_tuned]
    with _tracker("run", settings, root, console, _origin(settings, root, {})) as tracker:
        context = Context(files, NullTracker(), console, root, commit(root))
        for name in stages:
            console.prefix = name
            if name not in LOGGED:
                _stage(name, settings, context)
                continue
            origin = _origin(settings, root, hashes(name, files.root))
            if name == "tune":  # opens a run of its own
                _stage(name, settings, replace(context, tracker=tracker, origin=origin))
                continue
            with tracker.child(name) as run:
                run.set_tags({"restock.command": name})
                _log_origin(run, settings, origin)
                _stage(name, settings, replace(context, tracker=run))
    from restock.commands import summary

    console.parts(summary.run(settings, files, root))


def _promote(
    settings: Settings, files: Layout, typed: Typed, root: Path, console: TerminalConsole
) -> None:
    """Judge the bundle at hand, or that of a run or of a sweep's best job."""
    from restock.champions import promote

    dry_run = "--dry-run" in typed.flags
    tags = {"commit": commit(root)}
    if not typed.names:
        around = promote.Surroundings(settings, files, root, tags, console)
        promote.run(around, dry_run=dry_run)
        return
    from restock.champions.candidate import laid_out
    from restock.stages import evaluate

    with laid_out(typed.names[0], settings, files, root) as candidate:
        evaluate.run(settings, Context(candidate, NullTracker(), console, root, commit(root)))
        around = promote.Surroundings(settings, candidate, root, tags, console)
        promote.run(around, dry_run=dry_run)


def _about_champions(
    command: str, settings: Settings, files: Layout, typed: Typed, console: TerminalConsole
) -> None:
    from restock.commands import champions

    root = project_root()
    if command == "rollback":
        tags = {"commit": commit(root)}
        champions.rollback(settings, root, console, to=typed.flags.get("--to"), tags=tags)
    elif command == "diff":
        first, second = typed.names
        console.parts(champions.diff(first, second, settings, root))
    elif command == "card":
        version = typed.names[0] if typed.names else None
        console.parts(champions.card(version, settings, root, files))
    else:
        from restock.commands import rerun

        console.parts(rerun.run(typed.names[0], settings, root, console))
