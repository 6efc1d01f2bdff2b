"""What the code before the rooms were moved has made is gone on with by today's code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from restock.data.store import load_panel
from restock.forecasters.bundle import load_bundle
from support.older_project import MissingCommitError, OlderProject, make_older_project, said
from support.services import absent

BUNDLES = ["outputs/bundle", "multirun/grid/0/bundle", "multirun/grid/1/bundle"]
TEXT_FORM = ("  separator:", "  decimal:", "  encoding:")


@pytest.fixture(scope="class")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OlderProject]:
    try:
        yield make_older_project(tmp_path_factory.mktemp("older"))
    except MissingCommitError as error:
        absent(f"this checkout's history does not reach back to the older code ({error})")


class TestOlderProject:
    """In this order: from the fourth test on, each changes what the older code has left."""

    @pytest.mark.parametrize("folder", BUNDLES)
    def test_a_bundle_forecasts_the_same(self, project: OlderProject, folder: str) -> None:
        panel = load_panel(project.path / "outputs/panel")
        bundle = load_bundle(project.path / folder)
        assert bundle.manifest.digest == project.bundles[folder]
        found = bundle.predict(panel, panel.last_index).table()
        pd.testing.assert_frame_equal(found, project.forecast(folder), check_exact=True)

    def test_settings_that_have_moved_are_named_with_their_new_place(
        self, project: OlderProject
    ) -> None:
        for more in ([], ["--params", "params.yaml"]):
            error = project.run("promote", *more, ok=False)
            assert "data.source.separator: unknown setting. It is data.table.separator" in error
        base = project.path / "conf/data/base.yaml"
        lines = base.read_text().splitlines(keepends=True)
        base.write_text("".join(line for line in lines if not line.startswith(TEXT_FORM)))
        assert "wrote params.yaml" in project.run("params")

    def test_the_champions_are_listed_from_the_mirror_and_from_the_server(
        self, project: OlderProject
    ) -> None:
        listed = project.run("history")
        for move in project.history:
            assert f"{move['metrics']['wql']:.4f}" in listed
            assert move["reason"] in listed
        assert project.run("history", "--refresh") == listed

    def test_sweeps_are_listed_and_compared(self, project: OlderProject) -> None:
        listed = project.run("sweeps")
        states = {row.split()[1]: row.split()[3:6:2] for row in listed.splitlines() if "│" in row}
        assert states == {
            "done": ["complete", "2/2"],
            "half": ["running", "2/6"],
            "grid": ["complete", "2/2"],
        }
        compared = project.run("compare", "done", "half")
        tuned = json.loads((project.path / "outputs/tuning.json").read_text())
        assert f"{tuned['wql']:.6g}" in compared

    def test_the_earlier_champion_is_verified_and_champion_again(
        self, project: OlderProject
    ) -> None:
        out = project.run("rollback")
        assert "version 1 is champion again (was online_retail version 2)" in out

    def test_a_bundle_is_judged_against_it_and_promoted(self, project: OlderProject) -> None:
        first, second = (move["metrics"]["wql"] for move in project.history)
        out = project.run("promote", "grid")
        assert f"better than online_retail version 1: wql {second:.4f} against {first:.4f}" in out
        assert "promoted online_retail version 2 to champion" in out  # found by its digest
        assert "version 2 is champion already" in project.run("promote", "grid", "--dry-run")

    def test_a_training_is_run_again_by_the_code_of_its_commit(self, project: OlderProject) -> None:
        out = project.run("rerun", project.training)
        assert "Verdict: identical:" in out
        assert "to the last bit" in out

    def test_a_half_done_sweep_says_that_the_code_has_changed_and_its_winner_is_used(
        self, project: OlderProject
    ) -> None:
        out = project.run("resume", "half")
        at = said(project.path, "git", "rev-parse", "--short=12", "HEAD").strip()
        assert f"the code has changed since half was launched at {at}" in out
        assert "launch a sweep of another name" in out
        assert "6/6 trial" in out
        best = json.loads((project.path / "outputs/tuning.json").read_text())["best"]
        project.run("train", "training.use_tuned=true", "training.max_epochs=2")
        manifest = json.loads((project.path / "outputs/bundle/manifest.json").read_text())
        assert manifest["model"]["units"] == best["model.units"]


def test_a_checkout_that_does_not_reach_back_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.older_project.ROOT", tmp_path)
    with pytest.raises(MissingCommitError):
        make_older_project(tmp_path)
    assert list(tmp_path.iterdir()) == []
