"""Run an old run again, from its commit, its data and its settings, and compare every number."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml

from restock.champions.view import ChampionView
from restock.commands.arguments import Arguments
from restock.data.files import read_json, write_json
from restock.data.inputs import dvc_md5
from restock.errors import RestockError, UserError
from restock.settings.tracking import TrackingSettings
from restock.tracking.context import Context
from restock.tracking.mlflow.runs import NO_COMMIT, OldRun, find_family
from restock.tracking.mlflow.tracker import open_run
from restock.tracking.protocol import Console, Parts
from restock.tracking.record import CONFIG, ENVIRONMENT, FOLDER, INPUTS_FILE, PATCH, environment
from restock.types import layout

TOLERANCE = 1e-3  # relative difference that another processor or library version can cause
Ending = Literal["identical", "within tolerance", "differs", "not reproducible"]


@dataclass(frozen=True)
class Reproduction:
    """How a rerun ended.

    Attributes:
        outcome: "identical" means that every number and all weights are equal to the last bit.
        said: What is missing, or which number differs first.
        numbers: The old and the new value of each number, by its name.
    """

    outcome: Ending
    said: str
    numbers: Mapping[str, tuple[float | None, float | None]]


class MissingError(RestockError):
    """Something that the run was made from is not available any more."""


def run(context: Context[ChampionView], arguments: Arguments) -> Parts:
    """Run a training and its evaluation again; log the verdict as a run, and return it.

    The given run may be a training, an evaluation, or a pipeline that contains them.

    Raises:
        UserError: If there is no such run, or it trained nothing.
    """
    (run_id,), tracking = arguments.names, context.settings.tracking
    root, console = context.root, context.console
    if tracking.name == "none":
        raise UserError("rerun reads logged runs, but tracking is off: set tracking=mlflow.")
    trained, evaluated = find_family(tracking, root, run_id)
    try:
        with _restored(trained, root, console) as folder:
            for stage in ("featurize", "train", "evaluate"):
                console.note(f"running {stage} again")
                _stage(folder, stage)
            found = _compare(trained, evaluated, folder / "outputs")
    except MissingError as error:
        found = Reproduction("not reproducible", str(error), {})
    noted = _environment_note(trained)
    _log(tracking, root, trained, found)
    parts: Parts = [("Verdict", f"{found.outcome}: {found.said}"), ("Environment", noted)]
    return [*parts, ("Numbers", _shown(found))] if found.numbers else parts


def _shown(found: Reproduction) -> pd.DataFrame:
    """Return the numbers that differ, or else the scores of the model."""
    apart = {k: v for k, v in found.numbers.items() if v[0] != v[1]}
    scores = [name for name in found.numbers if "models." in name]
    first = scores[0].rpartition(".")[0] if scores else ""  # the bundle's own
    own = {k: v for k, v in found.numbers.items() if k in scores and k.rpartition(".")[0] == first}
    rows = [{"number": k, "then": v[0], "now": v[1]} for k, v in (apart or own).items()]
    return pd.DataFrame(rows)


@contextmanager
def _restored(trained: OldRun, root: Path, console: Console) -> Iterator[Path]:
    """Yield a copy of the project as it was: code, settings, data and the tuner's result."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        _check_out(trained, root, folder)
        try:
            _write_params(trained, folder)
            _restore_data(trained, root, folder, console)
            yield folder
        finally:
            _git(root, "worktree", "remove", "--force", str(folder))


def _check_out(trained: OldRun, root: Path, folder: Path) -> None:
    """Restore the code: the commit in its own worktree, and changes that were not committed."""
    if trained.commit == NO_COMMIT:
        raise MissingError(
            "the run was made where git knew no commit, so that its code is not known. Commit the "
            "project (git add --all; git commit) before a run that is to be reproduced."
        )
    commit = trained.commit.removesuffix("-dirty")
    if _git(root, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
        raise MissingError(f"commit {commit} is not in this repository. Run `git fetch` first.")
    done = _git(root, "worktree", "add", "--detach", str(folder), commit)
    if done.returncode:
        raise MissingError(f"git cannot restore commit {commit}: {done.stderr.strip()}")
    patch = trained.artifact(f"{FOLDER}/{PATCH}")
    if patch is not None:
        applied = _git(folder, "apply", "--binary", str(patch))
        if applied.returncode:
            raise MissingError(f"the uncommitted changes cannot be applied: {applied.stderr}")
    elif trained.commit.endswith("-dirty") and _is_older(trained):
        raise MissingError("files were changed but not committed, and the changes were not logged.")


def _is_older(trained: OldRun) -> bool:
    """Say whether a run was made before runs logged uncommitted changes."""
    return trained.artifact(f"{FOLDER}/{INPUTS_FILE}") is None


def _write_params(trained: OldRun, folder: Path) -> None:
    path = trained.artifact(CONFIG)
    if path is None:
        raise MissingError("the run has no config.yaml, so that its settings are not known.")
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    tree["tracking"]["name"] = "none"  # the numbers are read from files
    tree["output_dir"] = "outputs"
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def _restore_data(trained: OldRun, root: Path, folder: Path, console: Console) -> None:
    """Restore the panel of the run: from DVC's cache or remote, or else from its source."""
    path = trained.artifact(f"{FOLDER}/{INPUTS_FILE}")
    wanted = read_json(path).get(layout.PANEL) if path is not None else None
    if wanted is None:
        raise MissingError("the run did not log the hash of its data.")
    outputs = folder / "outputs"
    if not _from_dvc(root, folder, wanted):
        console.note("the data is not in DVC's cache or remote: reading its source again")
        for stage in ("fetch", "prepare"):
            _stage(folder, stage)
    found = dvc_md5(outputs / layout.PANEL)
    if found != wanted:
        raise MissingError(
            f"the data has changed: its hash was {wanted}, but the data from its source has {found}"
        )
    tuning = trained.artifact(layout.TUNING)
    if tuning is not None:
        shutil.copy2(tuning, outputs / layout.TUNING)
    # It describes the files of another run: stages would refuse these files.
    (folder / "dvc.lock").unlink(missing_ok=True)


def _from_dvc(root: Path, folder: Path, wanted: str) -> bool:
    """Let DVC check out the panel with this hash; say whether that worked."""
    lock = folder / "dvc.lock"
    if not lock.is_file():
        return False
    content = yaml.safe_load(lock.read_text(encoding="utf-8"))
    outs = content.get("stages", {}).get("prepare", {}).get("outs", [])
    target = f"outputs/{layout.PANEL}"
    for out in outs:
        if out["path"] == target:
            out.clear()
            out.update({"path": target, "hash": "md5", "md5": wanted})
    lock.write_text(yaml.safe_dump(content), encoding="utf-8")
    cache = str((root / ".dvc" / "cache").resolve())
    private = root / ".dvc" / "config.local"
    if private.is_file():
        shutil.copy2(private, folder / ".dvc" / "config.local")
    dvc = [sys.executable, "-m", "dvc"]
    commands = (["cache", "dir", "--local", cache], ["pull", target])
    done = [
        subprocess.run([*dvc, *c], cwd=folder, capture_output=True, text=True, check=False)
        for c in commands
    ]
    return not any(d.returncode for d in done) and (folder / target).exists()


def _stage(folder: Path, stage: str) -> None:
    """Run a stage with the old code."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    environment.pop("RESTOCK_PIPELINE", None)
    command = [sys.executable, "-m", "restock.cli.main", stage, "--params", "params.yaml"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingError(f"{stage} ran at that time, but fails now: {last}")


def _compare(trained: OldRun, evaluated: OldRun | None, outputs: Path) -> Reproduction:
    """Compare every number of the training and its evaluation with the old one."""
    pairs: list[tuple[OldRun, str]] = [(trained, layout.TRAIN_METRICS)]
    if evaluated is not None:
        pairs.append((evaluated, layout.METRICS))
    numbers: dict[str, tuple[float | None, float | None]] = {}
    for old, name in pairs:
        path = old.artifact(name)
        if path is None:
            raise MissingError(f"run {old.run_id} has no {name}, so that numbers are missing.")
        then, now = (dict(_numbers(read_json(p))) for p in (path, outputs / name))
        numbers |= {f"{name}: {k}": (then.get(k), now.get(k)) for k in {**then, **now}}
    bundle = read_json(outputs / layout.BUNDLE / "manifest.json")["digest"]
    return _judge(numbers, bundle == trained.bundle)


def _judge(
    numbers: Mapping[str, tuple[float | None, float | None]], same_bundle: bool
) -> Reproduction:
    apart = {name: _apart(*pair) for name, pair in numbers.items()}
    count = f"{len(numbers)} numbers"
    if not any(apart.values()) and same_bundle:
        said = f"{count} and the weights are the same to the last bit"
        return Reproduction("identical", said, numbers)
    first = next((name for name, size in apart.items() if size), "only the weights")
    worst = max(apart, key=apart.__getitem__)
    said = (
        f"first difference: {first}; largest relative difference: {apart[worst]:.2e}, in {worst} "
        f"({count})"
    )
    outcome: Ending = "within tolerance" if apart[worst] <= TOLERANCE else "differs"
    return Reproduction(outcome, said, numbers)


def _apart(then: float | None, now: float | None) -> float:
    if then == now:
        return 0.0
    if then is None or now is None:
        return float("inf")
    return abs(now - then) / max(abs(then), abs(now))


def _numbers(tree: Any, path: str = "") -> Iterator[tuple[str, float | None]]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _numbers(value, f"{path}.{name}" if path else str(name))
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from _numbers(value, f"{path}[{place}]")
    elif tree is None or (isinstance(tree, int | float) and not isinstance(tree, bool)):
        yield path, tree


def _environment_note(trained: OldRun) -> str:
    path = trained.artifact(f"{FOLDER}/{ENVIRONMENT}")
    if path is None:
        return "the run did not log its environment"
    then, now = set(path.read_text(encoding="utf-8").split("\n")) - {""}, set(environment())
    if then == now:
        return f"the same {len(now)} packages"
    shown = [*(f"then {name}" for name in sorted(then - now)), *sorted(now - then)]
    more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
    return f"differs: {', '.join(shown[:12])}{more}"


def _log(tracking: TrackingSettings, root: Path, trained: OldRun, found: Reproduction) -> None:
    tags = {"restock.rerun_of": trained.run_id, "restock.verdict": found.outcome}
    tags |= {"mlflow.note.content": f"{found.outcome}: {found.said}"}
    with (
        open_run(tracking, root, "rerun", tags) as log,
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / "rerun.json"
        write_json(path, asdict(found))
        log.log_artifact(path)


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
