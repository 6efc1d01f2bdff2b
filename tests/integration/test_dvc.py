"""The pipeline under DVC, in a checkout of its own with a small table."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.builders import table

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
YAML = """
defaults: [base, _self_]
name: online_retail
source: {path: sales.csv}
columns: {timestamp: date, series: [store, item], demand: sales}
frequency: W-SUN
"""


def sh(*command: str, cwd: Path, ok: bool = True) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "RESTOCK_"))}
    env |= {"PATH": f"{BIN}:{env['PATH']}", "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git checkout below a folder with a space, its pipeline run once."""
    folder = tmp_path_factory.mktemp("a checkout")
    for name in ("conf", "src", "dvc.yaml", ".dvcignore", ".gitignore"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    (folder / "conf/data/online_retail.yaml").write_text(YAML)
    table(5, 60).to_csv(folder / "conf/data/sales.csv", index=False)
    config = folder / "conf/config.yaml"
    config.write_text(config.read_text().replace("debug: null", "debug: tiny"))
    sh("git", "init", "-q", cwd=folder)
    sh("git", "config", "user.email", "test@example.org", cwd=folder)
    sh("git", "config", "user.name", "test", cwd=folder)
    sh("dvc", "init", "-q", cwd=folder)
    shutil.copy(ROOT / ".dvc/config", folder / ".dvc/config")
    sh("restock", "params", cwd=folder)
    sh("dvc", "repro", cwd=folder)
    sh("git", "add", "-A", cwd=folder)
    sh("git", "commit", "-qm", "first", cwd=folder)
    return folder


def ran(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


class TestPipeline:
    def test_a_second_repro_runs_nothing(self, checkout: Path) -> None:
        assert ran(sh("dvc", "repro", cwd=checkout)) == []
        assert sh("git", "status", "--porcelain", cwd=checkout) == ""

    def test_a_forced_repro_leaves_the_lock_as_it_was(self, checkout: Path) -> None:
        before = (checkout / "dvc.lock").read_text()
        stages = ran(sh("dvc", "repro", "--force", cwd=checkout))
        assert stages[0] == "composed"
        assert len(stages) == 9
        assert (checkout / "dvc.lock").read_text() == before

    def test_a_stale_params_yaml_stops_the_pipeline(self, checkout: Path) -> None:
        model = checkout / "conf/debug/tiny.yaml"
        fresh = model.read_text()
        model.write_text(fresh.replace("units: 16", "units: 17"))
        said = sh("dvc", "repro", cwd=checkout, ok=False)
        model.write_text(fresh)
        assert "params.yaml is stale" in said
        assert "units: 17" in said

    def test_an_experiment_trains_what_it_says_and_runs_only_what_changed(
        self, checkout: Path
    ) -> None:
        own = ["-S", "training.use_tuned=false", "-S", "model.units=24"]
        said = sh("dvc", "exp", "run", *own, cwd=checkout)
        assert "tune: skipped" in said
        assert not {"fetch", "prepare", "featurize"} & set(ran(said))
        manifest = (checkout / "outputs/bundle/manifest.json").read_text()
        assert '"units": 24' in manifest
        assert "model.units" in sh("dvc", "params", "diff", cwd=checkout)
        assert "models.lstm.wql" in sh("dvc", "metrics", "diff", cwd=checkout)
        sh("git", "checkout", "-q", ".", cwd=checkout)
        sh("dvc", "checkout", "-q", cwd=checkout)

    def test_an_override_that_tuning_would_replace_is_refused_with_both_values(
        self, checkout: Path
    ) -> None:
        said = sh("dvc", "exp", "run", "-S", "model.units=24", cwd=checkout, ok=False)
        assert "model.units=24 was given" in said
        assert "replaces it by the tuned value" in said
        sh("git", "checkout", "-q", ".", cwd=checkout)
        sh("dvc", "checkout", "-q", cwd=checkout)

    def test_plots_are_drawn(self, checkout: Path) -> None:
        sh("dvc", "plots", "show", "-o", "plots_page", cwd=checkout)
        page = (checkout / "plots_page/index.html").read_text()
        assert "leaderboard" in page
        assert "forecasts.png" in page
        shutil.rmtree(checkout / "plots_page")
