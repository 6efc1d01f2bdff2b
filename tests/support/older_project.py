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
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from support.forked import programs

ROOT = Path(__file__).parents[2]
COMMIT = "85d7c550bcbd2bb56bda3d98773b821d20988d4c"
IMPORTED = (
    "restock.cli.compose",
    "restock.cli.dispatch",
    "restock.commands.promote",
    "restock.forecasters.baselines.trees",
    "restock.forecasters.lstm.save",
    "restock.stages.evaluate",
    "restock.stages.train",
    "restock.tracking.mlflow.tracker",
    "support.warm",
)
TAKEN = ("conf", "src", "dvc.yaml", ".dvc", ".dvcignore", ".gitignore")
DATA = """\
defaults: [base, _self_]
name: online_retail
source: {path: sales.csv}
columns:
  {timestamp: date, series: [store, item], demand: sales, static: [kind], known_future: [promo],
  observed: [visits]}
frequency: W-SUN
"""
# The first champion does not see the promotions, so that the second one beats it by far; gates that
# are no matter here stand open.
TINY = """\
# @package _global_
training: {max_epochs: 4, ensemble_size: 1}
model: {units: 16}
windows: {num_origins: 8}
search: {num_trials: 2}
features: {leave_out: ["known promo", "known promo_relative", "known promo_before"]}
evaluation:
  num_tuning_folds: 1
  baselines: {names: [naive], trees: {num_rows: 5000, num_iterations: 5}}
promotion:
  {max_segment_increase: null, max_cost_increase: null, max_bias: null, coverage_80: null}
"""
HALF = [
    *("sweep.name=half", "search.num_trials=6", "search.tuner.pruner=none"),
    "training.max_epochs=12",
]
GRID = [
    *("-m", "model.units=8,24", "sweep.name=grid", "features.leave_out=[]"),
    *("training.max_epochs=12", "evaluation.baselines.names=[naive,boosted_trees]"),
]
BUNDLES = ["outputs/bundle", "multirun/grid/0/bundle", "multirun/grid/1/bundle"]
RESTOCK = """\
#!{python}
import sys
import restock
from restock.cli.main import main
assert restock.__file__ == "{source}/restock/__init__.py", restock.__file__
if __name__ == "__main__":
    sys.exit(main())
"""
FACTS = """\
import json, sys
from dataclasses import asdict
from pathlib import Path
import mlflow, restock
from restock.data.store import load_panel, panel_digest
from restock.forecasters.bundle import load_bundle
from restock.promotion.moves import mirror_of
from restock.tuning.optuna.overview import summaries

here, folder, model = Path.cwd(), Path(sys.argv[1]), "online_retail"
assert restock.__file__ == f"{here}/src/restock/__init__.py", restock.__file__
panel = load_panel(here / "outputs/panel")
bundles = {name: load_bundle(Path(name)) for name in sys.argv[2:]}
for bundle in bundles.values():
    table = bundle.predict(panel, panel.last_index).table()
    table.to_parquet(folder / f"{bundle.manifest.digest}.parquet")
client = mlflow.MlflowClient(f"sqlite:///{here}/mlflow.db")
experiment = client.get_experiment_by_name("restock").experiment_id
runs = client.search_runs([experiment], "tags.`restock.command` = 'train'")
sweeps = summaries(f"sqlite:///{here}/optuna.db")
versions = client.search_model_versions(f"name = '{model}'")
facts = {
    "panel": panel_digest(here / "outputs/panel"),
    "origins": panel.last_index.tolist(),
    "bundles": {name: bundle.manifest.digest for name, bundle in bundles.items()},
    "versions": {str(v.version): v.tags["restock.bundle"] for v in versions},
    "champion": str(client.get_model_version_by_alias(model, "champion").version),
    "sweeps": {s.name: {"state": s.state, **asdict(s)} for s in sweeps},
    "trainings": {run.info.run_id: run.data.tags["restock.bundle"] for run in runs},
    "history": [asdict(move) for move in mirror_of(here, model).read()],
    "metrics": json.loads((here / "outputs/metrics.json").read_text()),
}
(folder / "facts.json").write_text(json.dumps(facts))
"""


class MissingCommitError(Exception):
    """This checkout does not reach back to the older code."""


@dataclass(frozen=True)
class OlderProject:
    """The project, and what the older code says of it.

    Attributes:
        folder: Holds the project, the older code's environment, and what its bundles forecast.
        path: The project; it must stay there, since mlflow.db names it.
        facts: What the older code has found: panel and origins; bundles by folder; versions and
            champion; sweeps by name; trainings by run; history, metrics, commit.
    """

    folder: Path
    path: Path
    facts: dict[str, Any]

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Type a command of today's code; return what it said."""
        return said(self.path, programs() / "restock", *arguments, ok=ok)

    def run_older(self, *arguments: str, ok: bool = True) -> str:
        """Type a command of the older code; return what it said."""
        return said(self.path, self.quick / "restock", *arguments, ok=ok)

    @property
    def quick(self) -> Path:
        """A folder with the older `restock` that starts at once; :meth:`tool` has it in full."""
        return programs(str(self.tool("python")), IMPORTED)

    def tool(self, name: str) -> Path:
        """Return a program of the environment in which `restock` is the older code."""
        return self.folder / "old/bin" / name

    def forecast(self, bundle: str = "outputs/bundle") -> pd.DataFrame:
        """Return what a bundle forecast by the older code, from the panel's last periods."""
        digest = self.facts["bundles"][bundle]
        return pd.read_parquet(self.folder / f"{digest}.parquet")


def make_older_project(folder: Path) -> OlderProject:
    """Make the project by the older code alone.

    Raises:
        MissingCommitError: If git does not have that code.
    """
    made = OlderProject(folder, folder / "project", {})
    lay_out(made.path)
    make_environment(folder / "old", made.path / "src")
    made.run_older("params")
    commit(made.path)
    with ThreadPoolExecutor(1) as beside:
        dvc = [made.tool("python"), "-m", "dvc", "repro"]
        pipeline = beside.submit(said, made.path, *dvc, first=made.quick)
        wait_until_tuning(made.path, pipeline)
        kill_in_a_trial(made)
        made.run_older("train", *GRID)
        pipeline.result()
    made.run_older("promote", "--params", "params.yaml")
    made.run_older("promote", "grid")
    return replace(made, facts=facts_of(made))


def lay_out(path: Path) -> None:
    """Take the older code and its settings from git, and put a small table beside them."""
    archive = ["git", "-C", str(ROOT), "archive", COMMIT, *TAKEN]
    try:
        taken = subprocess.run(archive, capture_output=True, check=True)
    except FileNotFoundError as error:
        raise MissingCommitError("there is no git") from error
    except subprocess.CalledProcessError as error:
        raise MissingCommitError(error.stderr.decode().strip()) from error
    path.mkdir()
    subprocess.run(["tar", "-x", "-C", str(path)], input=taken.stdout, check=True)
    conf = path / "conf"
    (conf / "data/online_retail.yaml").write_text(DATA)
    (conf / "debug/tiny.yaml").write_text(TINY)
    text = (conf / "config.yaml").read_text().replace("debug: null", "debug: tiny")
    (conf / "config.yaml").write_text(text.replace("  name: null ", "  name: done "))
    sales().to_csv(conf / "data/sales.csv", index=False)


def sales(num_series: int = 5, num_weeks: int = 70, ahead: int = 4) -> pd.DataFrame:
    """Weekly sales that a promotion trebles; the promotions of the coming weeks are known."""
    rng = np.random.default_rng(5)
    weeks = pd.date_range("2020-01-05", periods=num_weeks + ahead, freq="W-SUN")
    parts = []
    for number in range(num_series):
        promo = rng.integers(0, 2, size=len(weeks))
        sold = rng.poisson((8 + 6 * number) * (1 + 2 * promo)).astype(object)
        sold[num_weeks:] = None
        columns = {"date": weeks.strftime("%Y-%m-%d"), "store": f"store {number % 2}"}
        columns |= {"item": f"item {number}", "kind": "ab"[number % 2], "sales": sold}
        columns |= {"promo": promo, "visits": rng.integers(50, 90, size=len(weeks))}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def make_environment(folder: Path, source: Path) -> None:
    """Make an environment whose `restock` is the older code, also for a plugin of MLflow's.

    It has the packages of this environment, but not what is installed in it as editable.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "older.pth").write_text(f"{source}\n{sysconfig.get_paths()['purelib']}\n")
    program = folder / "bin/restock"
    program.write_text(RESTOCK.format(python=folder / "bin/python", source=source))
    program.chmod(0o755)


def environment(tools: Path) -> dict[str, str]:
    """Return this process's environment without its stores and code, a folder of programs first."""
    dropped = ("MLFLOW_", "RESTOCK_", "PYTHONPATH")
    own = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    path = f"{tools}:{Path(sys.executable).parent}:{own['PATH']}"
    return own | {"PATH": path, "DVC_NO_ANALYTICS": "1"}


def said(
    path: Path, tool: Path, *arguments: str, ok: bool = True, first: Path | None = None
) -> str:
    """Run a program in a folder; return what it said.

    Its own neighbours are first on the path of programs, or those of another folder.
    """
    command, own = [str(tool), *arguments], environment(first or tool.parent)
    done = subprocess.run(command, cwd=path, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ok, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def git(path: Path, *arguments: str) -> str:
    """Run git in a folder; return what it said."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    command = ["git", "-C", str(path), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(path: Path) -> None:
    """Commit all that git does not ignore."""
    git(path, "init", "--quiet")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", "one")


def wait_until_tuning(path: Path, pipeline: Future[str]) -> None:
    """Wait for the pipeline's sweep: what is before it is then made, and the databases are, too."""
    begun = path / ".restock/sweeps/done/job.json"
    wait_for(lambda: begun.is_file() or pipeline.done())
    if not begun.is_file():
        raise AssertionError(pipeline.result())


def kill_in_a_trial(made: OlderProject) -> None:
    """Launch a sweep and kill all of it once two trials have ended and another is being trained."""
    command, own = [str(made.tool("restock")), "tune", *HALF], environment(made.folder / "old/bin")
    third = made.path / ".restock/sweeps/half/checkpoints/00002"
    with (made.folder / "half.log").open("w") as log:
        launcher = psutil.Popen(command, cwd=made.path, env=own, stdout=log, stderr=log)
    wait_for(lambda: any(third.glob("epoch-*.npz")) or launcher.poll() is not None)
    assert launcher.poll() is None, (made.folder / "half.log").read_text()
    for process in [launcher, *launcher.children(recursive=True)]:
        process.kill()
    launcher.wait()


def wait_for(happened: Callable[[], bool], seconds: float = 240) -> None:
    """Look again and again until something has happened."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


def facts_of(made: OlderProject) -> dict[str, Any]:
    """Have the older code say what is there, and forecast by every bundle."""
    said(made.path, made.tool("python"), "-c", FACTS, str(made.folder), *BUNDLES)
    facts: dict[str, Any] = json.loads((made.folder / "facts.json").read_text())
    return facts | {"commit": git(made.path, "rev-parse", "HEAD")}
