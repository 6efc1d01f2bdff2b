"""The command line, as a person types it: real processes, real exit codes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from restock.cli.compose import Job, compose
from support.typed import ROOT, restock


def test_help_lists_the_commands_before_anything_heavy_is_imported() -> None:
    code = (
        "import sys\n"
        "from restock.cli.main import main\n"
        "assert main(['--help']) == 0\n"
        "heavy = {'hydra', 'numpy', 'pandas', 'mlflow', 'tensorflow', 'rich', 'pydantic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("run", "fetch", "tune", "train", "evaluate", "plan", "promote", "params"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "no command 'trian'. Did you mean 'train'?"),
        (["train", "modle.units=3"], "no setting 'modle.units'. Did you mean 'model.units'?"),
        (["train", "model.unit=3"], "Did you mean 'model.units'?"),
        (["train", "model=gru"], "no choice 'gru' for model."),
        (["train", "model.units=many"], "model.units: Input should be a valid integer"),
        (["train", "model.units=0"], "greater than or equal to 1"),
        (["train", "model.units="], "model.units"),
        (["train", "--params", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["train", "--params"], "--params needs a value: --params FILE"),
        (["params", "model.units=3"], "takes no overrides"),
        (["explain"], "restock explain SERIES_ID [overrides]"),
        (
            ["evaluate", "output_dir=/nowhere", "tracking=none"],
            "/nowhere/panel/grid.json: no such file",
        ),
        (["--shell-completion", "install=csh"], "install=bash or install=zsh"),
    ],
)
def test_a_users_mistake_exits_2_with_a_sentence_and_no_traceback(
    arguments: list[str], message: str
) -> None:
    done = restock(*arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_extra_is_named() -> None:
    code = (
        "import sys\n"
        "sys.modules['rich'] = None\n"
        "from restock.cli.main import main\n"
        "sys.exit(main(['train']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "rich is not installed. Install the extra: pip install 'restock[train]'" in done.stderr


def test_cfg_job_shows_the_composed_configuration() -> None:
    done = restock("train", "model.units=48", "--cfg", "job")
    assert done.returncode == 0
    assert "units: 48" in done.stdout
    assert "use_tuned: false" in done.stdout  # typed: it trains what it says
    assert "hydra:" not in done.stdout


def test_conf_is_found_from_any_folder(tmp_path: Path) -> None:
    done = restock("train", "--cfg", "job", cwd=tmp_path)
    assert done.returncode == 0
    assert "name: online_retail" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_own_data_is_found_by_config_dir(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text(
        "source: {path: sales.csv}\ncolumns: {timestamp: date, series: [sku], demand: qty}\n"
        "frequency: D\n"
    )
    done = restock("prepare", "--config-dir", str(tmp_path), "data=mine", "--cfg", "job")
    assert "path: sales.csv" in done.stdout
    # Overrides may stand on both sides of a flag.
    arguments = ("output_dir=x", "--config-dir", str(tmp_path), "data=mine")
    missing = restock("fetch", *arguments, cwd=tmp_path)
    assert missing.returncode == 2
    assert f"{tmp_path}/data/sales.csv: no such file" in missing.stderr


def test_a_data_set_in_a_subfolder_is_read_from_there_and_named_safely(tmp_path: Path) -> None:
    (tmp_path / "conf/data/retail").mkdir(parents=True)
    (tmp_path / "conf/data/retail/uk.yaml").write_text(
        "defaults: [/data/base, _self_]\nsource: {path: ../../../sales.csv}\n"
        "columns: {timestamp: date, series: [sku], demand: qty}\nfrequency: D\ncountry: NO\n"
    )
    (tmp_path / "sales.csv").write_text("date,sku,qty\n2021-01-03,a,1\n")
    arguments = ("--config-dir", str(tmp_path / "conf"), "data=retail/uk", "output_dir=out")
    done = restock("fetch", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/raw/sales.csv").is_file()
    jobs: list[Job] = []
    compose("prepare", arguments[:3], jobs.append)
    data = jobs[0].settings.data
    assert (data.name, data.country) == ("retail_uk", "NO")  # YAML reads NO as false
    assert data.aggregation == "none"  # as base.yaml says


def test_a_yaml_mistake_exits_2_and_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("source: {path: sales.csv\ncolumns: [\n")
    done = restock("fetch", "--config-dir", str(tmp_path), "data=mine", cwd=tmp_path)
    assert done.returncode == 2
    assert "no valid YAML" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stale_params_yaml_fails_with_the_difference(tmp_path: Path) -> None:
    for name in ("conf", "dvc.yaml", "params.yaml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    assert restock("params", "--check", cwd=tmp_path).returncode == 0
    model = tmp_path / "conf/model/lstm.yaml"
    model.write_text(model.read_text().replace("units: 64", "units: 65"))
    done = restock("params", "--check", cwd=tmp_path)
    assert done.returncode == 2
    assert "-  units: 64\n+  units: 65" in done.stderr
    assert "Run `restock params`" in done.stderr
    assert restock("params", cwd=tmp_path).returncode == 0
    assert restock("params", "--check", cwd=tmp_path).returncode == 0
    experiment = tmp_path / "params.yaml"
    experiment.write_text(experiment.read_text().replace("units: 65", "units: 32"))
    refused = restock("params", "--check", cwd=tmp_path, DVC_EXP_NAME="trial")
    assert refused.returncode == 2
    assert "model.units=32 was given" in refused.stderr
    experiment.write_text(experiment.read_text().replace("use_tuned: true", "use_tuned: false"))
    assert restock("params", "--check", cwd=tmp_path, DVC_EXP_NAME="trial").returncode == 0
