"""The pipeline under DVC, in a checkout of its own with a small table."""

from __future__ import annotations

import shutil
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
