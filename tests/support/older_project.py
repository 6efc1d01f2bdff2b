"""A project as the code before the rooms were moved made it, to be gone on with by today's.

It holds what people keep: a bundle, a champion and the one before it, a sweep that is complete, one
that was killed in the middle of a trial, and a grid of whole trainings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

ROOT = Path(__file__).parents[2]
COMMIT = "85d7c550bcbd2bb56bda3d98773b821d20988d4c"
TAKEN = ("conf", "src", "dvc.yaml", ".dvcignore", ".gitignore")
DVC = "[hydra]\n    enabled = true\n[core]\n    analytics = false\n    autostage = false\n"
DATA = """\
defaults: [base, _self_]
name: online_retail
source: {path: sales.csv}
columns:
  timestamp: date
  series: [store, item]
  demand: sales
  static: [kind]
  known_future: [promo]
  observed: [visits]
frequency: W-SUN
"""
# Without the promotions the first champion is weak on purpose: the second one beats it for sure.
HIDDEN = '["known promo","known promo_relative","known promo_before"]'
CHANGED = {
    "conf/config.yaml": {"debug: null": "debug: tiny", "name: null ": "name: done "},
    "conf/debug/tiny.yaml": {"max_epochs: 2": "max_epochs: 4"},
    "conf/training/default.yaml": {"ensemble_size: 2": "ensemble_size: 1"},
    "conf/evaluation/default.yaml": {
        "[naive, seasonal_naive, moving_mean, moving_median, ses, ": "[naive]  # ",
        "          boosted_trees]": "",
    },
    "conf/features/default.yaml": {"leave_out: []": f"leave_out: {HIDDEN}"},
    "conf/promotion/default.yaml": {
        "segment_increase: 0.25": "segment_increase: null",
        "max_cost_increase: 0.05": "max_cost_increase: null",
        "max_bias: 0.5": "max_bias: null",
        "coverage_80: [0.6, 0.95]": "coverage_80: null",
    },
    ".gitignore": {"/outputs/": "/outputs/\n/older-*.parquet"},
}
HALF = ["sweep.name=half", "search.num_trials=6", "training.max_epochs=12"]
GRID = [
    *("-m", "model.units=8,24", "sweep.name=grid", "features.leave_out=[]"),
    *("training.max_epochs=12", "evaluation.baselines.names=[naive,boosted_trees]"),
]
FORECASTS = """\
import json, sys
from pathlib import Path
import restock
from restock.data.store import load_panel
from restock.forecasters.bundle import load_bundle
assert Path(restock.__file__).is_relative_to(Path("src").resolve()), restock.__file__
panel, digests = load_panel(Path("outputs/panel")), {}
for number, folder in enumerate(sys.argv[1:]):
    bundle = load_bundle(Path(folder))
    digests[folder] = bundle.manifest.digest
    bundle.predict(panel, panel.last_index).table().to_parquet(f"older-{number}.parquet")
print(json.dumps(digests))
"""


class MissingCommitError(Exception):
    """This checkout does not reach back to the older code."""


@dataclass(frozen=True)
class OlderProject:
    """The project, and what the older code said of it.

    Attributes:
        path: Its folder; it must stay there, since mlflow.db names it.
        bundles: Digest of each bundle, by its folder.
        history: The moves of the champion, as the local mirror holds them.
        training: The run of the training behind the first champion.
    """

    path: Path
    bundles: dict[str, str]
    history: list[dict[str, Any]]
    training: str

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Type a command of today's code; return what it said."""
        return said(self.path, str(Path(sys.executable).with_name("restock")), *arguments, ok=ok)

    def forecast(self, bundle: str) -> pd.DataFrame:
        """Return what a bundle forecast by the older code."""
        number = list(self.bundles).index(bundle)
        return pd.read_parquet(self.path / f"older-{number}.parquet")


def make_older_project(folder: Path) -> OlderProject:
    """Make the project by the older code alone.

    Raises:
        MissingCommitError: If git does not have that code.
    """
    path = folder / "project"
    lay_out(path)
    tools = older_environment(path, folder / "older")
    restock = str(tools / "restock")
    said(path, restock, "params")
    commit(path)
    said(path, str(tools / "python"), "-m", "dvc", "repro")
    commit(path)
    killed_in_a_trial(path, restock)
    said(path, restock, "train", *GRID)
    said(path, restock, "promote", "--params", "params.yaml")
    said(path, restock, "promote", "grid")
    bundles = ["outputs/bundle", "multirun/grid/0/bundle", "multirun/grid/1/bundle"]
    digests = json.loads(said(path, str(tools / "python"), "-c", FORECASTS, *bundles))
    mirror = path / ".restock/history/online_retail.jsonl"
    history = [json.loads(line) for line in mirror.read_text().splitlines()]
    return OlderProject(path, digests, history, training_of(path, digests["outputs/bundle"]))


def lay_out(path: Path) -> None:
    """Take the older code and its settings from git, and put a small table beside them."""
    archive = ["git", "-C", str(ROOT), "archive", COMMIT, *TAKEN]
    taken = subprocess.run(archive, capture_output=True, check=False)
    if taken.returncode:
        raise MissingCommitError(taken.stderr.decode())
    path.mkdir()
    subprocess.run(["tar", "-x", "-C", str(path)], input=taken.stdout, check=True)
    for name, changes in CHANGED.items():
        text = (path / name).read_text()
        for before, after in changes.items():
            assert before in text, (name, before)
            text = text.replace(before, after)
        (path / name).write_text(text)
    (path / "conf/data/online_retail.yaml").write_text(DATA)
    sales().to_csv(path / "conf/data/sales.csv", index=False)
    said(path, "git", "init", "--quiet")
    said(path, sys.executable, "-m", "dvc", "init", "--quiet")
    (path / ".dvc/config").write_text(DVC)


def sales(num_series: int = 5, num_weeks: int = 70, ahead: int = 4) -> pd.DataFrame:
    """Weekly sales that a promotion trebles; the promotions of the coming weeks are known."""
    rng = np.random.default_rng(5)
    weeks = pd.date_range("2020-01-05", periods=num_weeks + ahead, freq="W-SUN")
    parts = []
    for number in range(num_series):
        promo = rng.integers(0, 2, size=len(weeks))
        sold = rng.poisson((8 + 6 * number) * (1 + 2 * promo)).astype(object)
        sold[num_weeks:] = None
        parts.append(
            pd.DataFrame(
                {
                    "date": weeks.strftime("%Y-%m-%d"),
                    "store": f"store {number % 2}",
                    "item": f"item {number}",
                    "kind": "ab"[number % 2],
                    "sales": sold,
                    "promo": promo,
                    "visits": rng.integers(50, 90, size=len(weeks)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def older_environment(path: Path, folder: Path) -> Path:
    """Make an environment whose `restock` is the older code, also for whoever asks by plugins.

    It has the packages of this environment, but not what is installed in it as editable.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "older.pth").write_text(f"{path / 'src'}\n{sysconfig.get_paths()['purelib']}\n")
    program = folder / "bin/restock"
    program.write_text(
        f"#!{folder / 'bin/python'}\nimport sys\nfrom restock.cli.main import main\n"
        "if __name__ == '__main__':\n    sys.exit(main())\n"
    )
    program.chmod(0o755)
    return folder / "bin"


def said(path: Path, *command: str, ok: bool = True) -> str:
    """Run a command in the project, its own folder of programs first; return what it said."""
    dropped = ("MLFLOW_", "RESTOCK_", "PYTHON")
    own = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    own |= {"PATH": f"{Path(command[0]).parent}:{own['PATH']}", "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=path, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ok, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout if ok else done.stderr


def commit(path: Path) -> None:
    """Commit all that git does not ignore."""
    said(path, "git", "add", "--all")
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    said(path, "git", *who, "commit", "--quiet", "--message", "one")


def killed_in_a_trial(path: Path, restock: str) -> None:
    """Launch a sweep and kill all of it once two trials have ended and another is being trained."""
    own = {**os.environ, "PATH": f"{Path(restock).parent}:{os.environ['PATH']}"}
    for name in ("PYTHONPATH", "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "RESTOCK_PIPELINE"):
        own.pop(name, None)
    quiet = subprocess.DEVNULL
    launcher = subprocess.Popen(
        [restock, "tune", *HALF], cwd=path, env=own, stdout=quiet, stderr=quiet
    )
    third = path / ".restock/sweeps/half/checkpoints/00002"
    wait_for(lambda: any(third.glob("epoch-*.npz")) or launcher.poll() is not None)
    assert launcher.poll() is None, "the sweep ended before it was killed"
    whole = [psutil.Process(launcher.pid), *psutil.Process(launcher.pid).children(recursive=True)]
    for process in whole:
        process.kill()
    launcher.wait()


def wait_for(happened: Callable[[], bool], seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


def training_of(path: Path, bundle: str) -> str:
    """Return the run that trained a bundle."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("restock").experiment_id
    runs = client.search_runs([experiment], "tags.`restock.command` = 'train'")
    (found,) = [run.info.run_id for run in runs if bundle in run.data.tags.values()]
    return str(found)
