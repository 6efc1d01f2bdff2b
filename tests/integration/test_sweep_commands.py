"""Sweeps from the command line, by real processes on a small project."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from support.small_project import RESTOCK, SMALL, environment, restock, small_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_project(tmp_path_factory.mktemp("project"))


def runs(folder: Path, query: str = "") -> list[Any]:
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("restock")
    return client.search_runs([experiment.experiment_id], query, max_results=1000)


def test_a_sweep_with_two_workers_leaves_its_runs_plots_and_result(project: Path) -> None:
    done = restock(project, "tune", *SMALL, "engine.num_workers=2", "sweep.name=two")
    assert done.returncode == 0, done.stderr
    assert "3/3 trial" in done.stdout
    assert "best is trial" in done.stdout
    (parent,) = runs(project, "attributes.run_name = 'two'")
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["restock.repeatable"] == "false"
    assert "best.model.units" in parent.data.params
    assert "best is trial" in parent.data.tags["mlflow.note.content"]
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    files = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert files == {"config.yaml", "lineage", "plots", "trials.csv"}
    (dataset,) = parent.inputs.dataset_inputs
    assert dataset.dataset.source_type == "dvc"
    assert "cores" in parent.data.tags["restock.hardware"]
    plots = {Path(f.path).name for f in client.list_artifacts(parent.info.run_id, "plots")}
    assert {"timeline.html", "timeline.png", "optimization_history.html"} <= plots
    trials = runs(project, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert len(trials) == 3
    swept = {
        "model.units", "model.num_layers", "model.dropout", "training.learning_rate",
        "training.batch_size",
    }  # fmt: skip
    for trial in trials:
        assert set(trial.data.params) == swept
        assert {"sql", "sql_fold_0", "best_sql", "best_steps"} <= set(trial.data.metrics)
        kept = [file.path for file in client.list_artifacts(trial.info.run_id)]
        assert kept == ["config.yaml"]
    assert pd.read_csv(project / "outputs/tuning_trials.csv")["trial"].tolist() == [0, 1, 2]


def test_the_same_command_again_repeats_nothing(project: Path) -> None:
    for _ in range(2):
        done = restock(project, "tune", *SMALL, "search.num_trials=2", "sweep.name=again")
        assert done.returncode == 0, done.stderr
    assert "complete: nothing is repeated" in done.stdout
    assert len(runs(project, "tags.`restock.sweep` = 'again'")) == 3  # the sweep and two trials


def test_another_search_under_the_same_name_is_refused(project: Path) -> None:
    assert restock(project, "tune", *SMALL, "search.num_trials=1", "sweep.name=x").returncode == 0
    other = restock(project, "tune", *SMALL, "training.max_steps=3", "sweep.name=x")
    assert other.returncode == 2
    assert "sweep x was launched with something else" in other.stderr
    assert '-   "max_steps": 2' in other.stderr
    assert '+   "max_steps": 3' in other.stderr


def test_a_sweep_is_killed_listed_and_resumed(project: Path) -> None:
    command = [RESTOCK, "tune", *SMALL, "training.max_steps=400", "sweep.name=killed"]
    launched = subprocess.Popen(
        command, cwd=project, env=environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    saved = project / ".restock/sweeps/killed/checkpoints"
    until = time.monotonic() + 90
    while not list(saved.glob("*/state-*.npz")):
        assert time.monotonic() < until
        time.sleep(0.1)
    launched.send_signal(signal.SIGKILL)
    launched.wait()
    time.sleep(3)  # its worker notices, saves and gives its trial back
    listed = restock(project, "sweeps").stdout
    assert "unfinished" in next(line for line in listed.splitlines() if "killed" in line)
    resumed = restock(project, "resume", "killed", "engine.num_workers=2")
    assert resumed.returncode == 0, resumed.stderr
    assert "best is trial" in resumed.stdout
    listed = restock(project, "sweeps").stdout
    row = next(line for line in listed.splitlines() if "killed" in line)
    assert "complete" in row
    assert "3/3" in row
    assert "RUNNING" not in {run.info.status for run in runs(project)}


def test_stop_ends_a_sweep_that_can_be_resumed(project: Path) -> None:
    command = [
        RESTOCK, "tune", *SMALL, "search.num_trials=30", "training.max_steps=200",
        "sweep.name=long",
    ]  # fmt: skip
    launched = subprocess.Popen(
        command, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    saved = project / ".restock/sweeps/long/checkpoints"
    until = time.monotonic() + 90
    while not list(saved.glob("*/state-*.npz")):
        assert time.monotonic() < until
        time.sleep(0.1)
    stopped = restock(project, "stop", "long")
    assert "To continue it, run `restock resume long`" in stopped.stdout
    said, _ = launched.communicate(timeout=60)
    assert launched.returncode == 1
    assert "the sweep stopped: by " in said
    listed = restock(project, "sweeps").stdout
    assert "stopped" in next(line for line in listed.splitlines() if "long" in line)


def test_a_grid_is_a_sweep_of_whole_trainings(project: Path) -> None:
    grid = [
        "train", "-m", *SMALL, "model.units=4,8", "training.learning_rate=1.0e-3,3.0e-3",
        "training.combine=false", "engine.num_workers=2", "sweep.name=grid",
    ]  # fmt: skip
    done = restock(project, *grid)
    assert done.returncode == 0, done.stderr
    jobs = pd.read_csv(project / "multirun/grid/jobs.csv")
    points = set(zip(jobs["model.units"], jobs["training.learning_rate"], strict=True))
    assert points == {(u, r) for u in (4, 8) for r in (1e-3, 3e-3)}
    assert len(list(project.glob("multirun/grid/*/bundle/model.onnx"))) == 4
    (parent,) = runs(project, "attributes.run_name = 'grid'")
    nested = runs(project, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert len(nested) == 4
    assert {run.info.status for run in (parent, *nested)} == {"FINISHED"}
    again = restock(project, *grid)
    assert "complete: nothing is repeated" in again.stdout
    assert [p.name for p in (project / "multirun").iterdir()] == ["grid"]
    compared = restock(project, "compare", "grid", "two").stdout
    assert "model.units" in compared


def test_both_tuners_stand_in_one_table(project: Path) -> None:
    other = ["search/tuner=keras_tuner", "search.tuner.oracle=random", "sweep.name=kt"]
    done = restock(project, "tune", *SMALL, "search.num_trials=2", *other)
    assert done.returncode == 0, done.stderr
    compared = restock(project, "compare", "kt", "two")
    assert compared.returncode == 0, compared.stderr
    assert "keras_tuner/random" in compared.stdout
    assert "optuna/tpe" in compared.stdout
    trial = runs(project, "tags.`restock.sweep` = 'kt'")[0]
    assert {"sql", "best_sql"} <= set(trial.data.metrics)


def test_a_dry_run_says_what_a_sweep_takes_and_launches_none(project: Path) -> None:
    done = restock(project, "tune", "--dry-run", *SMALL, "sweep.name=dry")
    assert done.returncode == 0, done.stderr
    for word in ("Series: 4 of 4", "Tuning folds: 1", "Trials: 3", "Measured:", "Estimate:"):
        assert word in done.stdout
    assert "dry" not in restock(project, "sweeps").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resume", "nowhere"], "no sweep 'nowhere' here"),
        (["resume"], "say which sweep"),
        (["stop", "nowhere"], "no sweep 'nowhere' here"),
        (["compare", "nowhere"], "'nowhere' is neither a sweep"),
        (["train", "--dry-run"], "--dry-run is for restock tune and restock promote"),
        (["tune", "engine.study_url=nonsense"], "nonsense is not a database URL"),
        (["sweeps", "engine.study_url=nonsense"], "nonsense is not a database URL"),
        (["tune", "search.tuner.sampler=tpo"], "search.tuner"),
        (["tune", "search.objectives=[loss,speed]"], "no objective 'speed'"),
        (["tune", "search.objectives=[loss,size]"], "set search.tuner.pruner=none"),
        (["tune", "engine.grace=5"], "grace must be at least twice heartbeat"),
        (["tune", "sweep.name=a/b"], "sweep.name"),
        (["tune", "search.tuner.sampler=grid", "sweep.name=g"], "a grid needs a step or choices"),
    ],
)
def test_bad_input_is_named(project: Path, arguments: list[str], message: str) -> None:
    done = restock(project, *arguments, "data=own")
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
