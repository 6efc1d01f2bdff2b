"""The pipeline under DVC, in a checkout of its own with a small table."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from support.checkout import commit, make_checkout, ran, sh


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git checkout below a folder with a space, its pipeline run once."""
    folder = make_checkout(tmp_path_factory.mktemp("a checkout"))
    sh("dvc", "repro", cwd=folder)
    commit(folder, "first")
    return folder


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

    def test_another_wing_runs_no_stage_again(self, checkout: Path) -> None:
        before = code_of_a_trial(checkout)
        add_a_wing(checkout)
        assert changed(checkout) == {"composed"}  # which only compares params.yaml with conf/
        assert code_of_a_trial(checkout) == before
        sh("git", "checkout", "-q", ".", cwd=checkout)
        sh("git", "clean", "-qfd", "src", "conf", cwd=checkout)

    def test_another_baseline_prepares_nothing_again(self, checkout: Path) -> None:
        added = checkout / "src/restock/forecasters/baselines/hopeful.py"
        added.write_text('"""A forecast of always more."""\n')
        params = checkout / "params.yaml"
        params.write_text(params.read_text().replace("    names:\n", "    names:\n    - hopeful\n"))
        stages = changed(checkout)
        sh("git", "checkout", "-q", ".", cwd=checkout)
        added.unlink()
        assert {"train", "evaluate"} <= stages  # the forecast needs the bundle alone
        assert not {"fetch", "prepare", "featurize", "forecast"} & stages

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
        assert "model.units" in sh("dvc", "exp", "show", "--only-changed", "--csv", cwd=checkout)
        sh("dvc", "plots", "diff", "HEAD", "workspace", "-o", "plots_diff", cwd=checkout)
        page = (checkout / "plots_diff/index.html").read_text()
        assert all(f'"rev": "{name}"' in page for name in ("HEAD", "workspace"))
        shutil.rmtree(checkout / "plots_diff")
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


def changed(checkout: Path) -> set[str]:
    """The stages that DVC would run because of what they depend on."""
    return set(json.loads(sh("dvc", "status", "--json", cwd=checkout)))


def code_of_a_trial(checkout: Path) -> str:
    code = "from restock.sweeps.spec import code_digest; print(code_digest())"
    return sh(sys.executable, "-c", code, cwd=checkout, PYTHONPATH=str(checkout / "src"))


def add_a_wing(checkout: Path) -> None:
    """Add a room with settings, a type and a command of its own, and touch what must know them."""
    package = checkout / "src/restock"
    for name in ("service/__init__", "service/app", "settings/service", "types/ticket"):
        path = package / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'"""{name}: new."""\n')
    (package / "commands/serve.py").write_text('"""Command serve."""\n')
    for name in ("settings/tree", "cli/commands", "commands/views", "champions/promote"):
        with (package / f"{name}.py").open("a") as file:
            file.write("\nSERVICE = True\n")
    (checkout / "conf/service").mkdir()
    (checkout / "conf/service/default.yaml").write_text("port: 8080\n")
    config = checkout / "conf/config.yaml"
    config.write_text(config.read_text().replace("- _self_", "- service: default\n  - _self_"))
    with (checkout / "params.yaml").open("a") as file:
        file.write("service:\n  port: 8080\n")
