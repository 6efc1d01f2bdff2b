"""Commands in a folder that is no project: what they say, and what works all the same."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from restock.cli.command import Command
from restock.cli.commands import TABLE
from restock.cli.kinds import StoreCommand
from support.builders import table
from support.typed import ROOT, restock

NO_PROJECT = "error: no restock project here"
BEGIN = ("run", "fetch", "validate")  # they need nothing that was made before
OWN = """
source: {path: ../sales.csv}
columns: {timestamp: date, series: [store, item], demand: sales}
frequency: W-SUN
"""


def each(commands: list[Command]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("command", commands, ids=[c.name for c in commands])


@each([command for command in TABLE if command.name not in BEGIN])
def test_where_there_is_nothing_a_command_says_what_to_do(command: Command, tmp_path: Path) -> None:
    _, *words = shlex.split(command.examples[0])
    done = restock(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"restock {command.name}: {NO_PROJECT}")
    for choice in ("cd PROJECT", "git clone", "make run", "restock run --config-dir my_conf"):
        assert choice in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with a table of one's own, and nothing of restock's."""
    (tmp_path / "my_conf/data").mkdir(parents=True)
    (tmp_path / "my_conf/data/mine.yaml").write_text(OWN)
    table(2, 30).to_csv(tmp_path / "my_conf/sales.csv", index=False)
    return tmp_path


def test_stages_on_ones_own_table_need_no_project(bare: Path) -> None:
    mine = ("--config-dir", "my_conf", "data=mine", "output_dir=out")
    for stage in ("validate", "fetch", "prepare", "featurize"):
        done = restock(stage, *mine, cwd=bare)
        assert done.returncode == 0, done.stderr
    assert (bare / "out/features").exists()
    for stage in ("summary", "forecast"):  # what is missing is named, where something is there
        done = restock(stage, *mine, cwd=bare)
        assert NO_PROJECT not in done.stderr
        assert "out/" in done.stderr
        assert "no such file. Run the step that writes it" in done.stderr
    done = restock("prepare", "output_dir=elsewhere", cwd=bare)
    assert NO_PROJECT in done.stderr


@pytest.mark.parametrize("left", [".restock", "mlflow.db", "optuna.db"])
def test_a_folder_that_restock_worked_in_needs_no_project(bare: Path, left: str) -> None:
    folder = bare / left
    folder.mkdir() if left == ".restock" else folder.touch()
    done = restock("history", cwd=bare)
    assert done.returncode == 0, done.stderr
    assert "none yet" in done.stdout


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for stores, whose tables are made once."""
    return tmp_path_factory.mktemp("elsewhere")


@each([command for command in TABLE if isinstance(command, StoreCommand)])
def test_a_store_elsewhere_needs_no_project(
    command: Command, tmp_path: Path, elsewhere: Path
) -> None:
    _, *words = shlex.split(command.examples[0])
    reads = command.settings().model_fields
    stores = {"engine": "engine.study_url", "tracking": "tracking.uri"}
    named = [f"{key}=sqlite:///{elsewhere}/{group}.db" for group, key in stores.items()]
    done = restock(*words, *(word for word in named if word.split(".")[0] in reads), cwd=tmp_path)
    assert NO_PROJECT not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_in_the_environment_counts_for_commands_on_it_alone(bare: Path) -> None:
    uri = f"sqlite:///{bare}/elsewhere.db"
    assert restock("history", cwd=bare, MLFLOW_TRACKING_URI=uri).returncode == 0
    for command in ("summary", "sweeps"):
        assert NO_PROJECT in restock(command, cwd=bare, MLFLOW_TRACKING_URI=uri).stderr


def test_a_folder_within_a_project_is_in_it() -> None:
    done = restock("history", cwd=ROOT / "docs")
    assert done.returncode == 0, done.stderr


def test_a_sweep_of_jobs_is_refused_like_a_single_one(tmp_path: Path) -> None:
    done = restock("train", "-m", "seed=1,2", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"restock train: {NO_PROJECT}")
