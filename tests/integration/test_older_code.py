"""What the code before the rooms were moved has made is gone on with by today's.

In this order: from the third test on, each changes what the older code has left.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from restock.data.store import load_panel, panel_digest
from restock.forecasters.bundle import load_bundle
from restock.types import layout
from support.older_project import (
    BUNDLES,
    MissingCommitError,
    OlderProject,
    git,
    make_older_project,
)
from support.services import absent

# To single precision: anchors have undone logarithms in double since (decision 0021).
SAME = 1e-6  # of a value, or of its series' mean where that is larger


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> OlderProject:
    return made_or_absent(tmp_path_factory.mktemp("older"))


def made_or_absent(folder: Path) -> OlderProject:
    try:
        return make_older_project(folder)
    except MissingCommitError as error:
        absent(f"this checkout's history does not reach back to the older code ({error})")
        raise


def test_the_older_code_has_left_what_is_gone_on_with(project: OlderProject) -> None:
    states = {name: (s["state"], s["states"]) for name, s in project.facts["sweeps"].items()}
    assert states["done"] == states["grid"] == ("complete", {"complete": 2})
    assert states["half"][0] == "running"
    assert states["half"][1].items() >= {"complete": 2, "running": 1}.items()
    assert project.facts["champion"] == "2"
    assert project.facts["versions"]["1"] == project.facts["bundles"]["outputs/bundle"]
    assert (project.path / "multirun/grid/0/bundle/trees.npz").is_file()
    carried = list(project.path.glob("mlartifacts/**/code/restock/config.py"))
    assert len(carried) == 2  # each version brings the whole older package


def test_its_champions_answer_where_todays_code_is_installed(project: OlderProject) -> None:
    examples = list(project.path.glob("mlartifacts/**/serving_input_example.json"))
    assert len(examples) == 2
    for example in examples:
        command = [sys.executable, "-m", "mlflow", "models", "predict", "--env-manager", "local"]
        done = subprocess.run(
            [*command, "-m", str(example.parent), "-i", str(example)],
            cwd=project.path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "reorder_point" in done.stdout


@pytest.mark.parametrize("folder", BUNDLES)
def test_a_bundle_forecasts_the_same(project: OlderProject, folder: str) -> None:
    panel = load_panel(project.path / "outputs/panel")
    assert panel_digest(project.path / "outputs/panel") == project.facts["panel"]
    bundle = load_bundle(project.path / folder)
    assert bundle.manifest.digest == project.facts["bundles"][folder]
    found = bundle.predict(panel, np.array(project.facts["origins"])).table()
    check_same(found, project.forecast(folder))


def check_same(found: pd.DataFrame, before: pd.DataFrame) -> None:
    """Compare forecasts as decision 0021 does: low quantiles come from their series' level."""
    values = list(before.columns[before.columns.get_loc("point") :])
    pd.testing.assert_frame_equal(found.drop(columns=values), before.drop(columns=values))
    level = before.groupby("series_id")["mean"].transform("mean").to_numpy()[:, None]
    size = np.maximum(np.abs(before[values].to_numpy()), level)
    assert (np.abs(found[values].to_numpy() - before[values].to_numpy()) / size).max() < SAME


def test_settings_that_have_moved_are_named_with_their_new_place(project: OlderProject) -> None:
    for command in (["history"], ["promote", "--params", "params.yaml"], ["params"]):
        error = project.run(*command, ok=False)
        assert "training.max_epochs: unknown setting. It is training.max_steps now" in error
        assert "search.tuner.num_warmup_epochs: unknown setting." in error
    count_steps(project.path / "conf")
    assert "'wql' is `loss` now; evaluation.loss=wql says which" in project.run("history", ok=False)
    search = project.path / "conf/search/lstm_small.yaml"
    search.write_text(search.read_text().replace("objectives: [wql]", "objectives: [loss]"))
    assert "Run `restock params`" in project.run("params", "--check", ok=False)
    assert "wrote params.yaml" in project.run("params")
    assert "params.yaml is what conf/ composes to" in project.run("params", "--check")


def count_steps(conf: Path) -> None:
    """Do what the errors say: the budget is left to the panel."""
    key = r"(max_epochs|passes_per_epoch|snapshots|num_warmup_epochs): [0-9]+"
    for file in conf.glob("**/*.yaml"):
        text = re.sub(rf"^{key}.*\n", "", file.read_text(), flags=re.MULTILINE)
        file.write_text(re.sub(rf"{key}, ", "", text))


def test_the_stored_bundle_is_planned_with_as_before(project: OlderProject) -> None:
    outputs = project.path / "outputs"
    before = pd.read_parquet(outputs / layout.FORECAST), pd.read_csv(outputs / layout.PLAN)
    for stage in ("plan", "forecast"):
        project.run(stage, "--params", "params.yaml")
    check_same(pd.read_parquet(outputs / layout.FORECAST), before[0])
    pd.testing.assert_frame_equal(pd.read_csv(outputs / layout.PLAN), before[1])


def test_the_champions_are_listed_from_the_mirror_and_from_the_server(
    project: OlderProject,
) -> None:
    for more in ([], ["--refresh"]):
        listed = project.run("history", *more)
        moves = [line for line in rows(listed) if line[0].isdigit()]
        found = [(number, version, wql) for number, version, *_, wql, _, _, _ in moves]
        assert found == [("2", "2", wql_of(project, 2)), ("1", "1", wql_of(project, 1))]
        assert all(move["reason"] in listed for move in project.facts["history"])


def rows(listed: str) -> list[list[str]]:
    """Return the cells of a printed table, row by row."""
    lines = [line for line in listed.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def wql_of(project: OlderProject, move: int) -> str:
    """Return what the challenger of a move of the older code's lost, as it is shown."""
    return f"{project.facts['history'][move - 1]['metrics']['wql']:.4f}"


def test_sweeps_are_listed(project: OlderProject) -> None:
    found = {name: more for name, *more in rows(project.run("sweeps"))}
    assert found["done"][:5] == ["complete", "2/2", "0", "0", "0"]
    assert found["half"][:5] == ["running", "2/6", "0", "0", "1"]  # nobody has missed its worker
    assert found["grid"][:5] == ["complete", "2/2", "0", "0", "0"]
    assert {name: more[5] for name, more in found.items()} == {
        name: f"{sweep['best']:.4f}" for name, sweep in project.facts["sweeps"].items()
    }


def test_sweeps_are_compared(project: OlderProject) -> None:
    found = {name: more for name, *more in rows(project.run("compare", "done", "half"))}
    sweeps = project.facts["sweeps"]
    assert found["wql"] == [f"{sweeps[name]['best']:.6g}" for name in ("done", "half")]
    assert found["epochs"][0] == str(tuned(project)["epochs"])
    assert 1 <= int(found["epochs"][1]) <= 12


def tuned(project: OlderProject) -> dict[str, Any]:
    """Return what the last sweep on the tuning folds has found."""
    content: dict[str, Any] = json.loads((project.path / "outputs/tuning.json").read_text())
    return content


def test_the_losses_of_the_older_code_are_judged_beside_the_champion(
    project: OlderProject,
) -> None:
    out = project.run("promote", "--params", "params.yaml")
    first, second = wql_of(project, 1), wql_of(project, 2)
    said = f"online_retail version 2 is not beaten: wql {first} against {second}"
    assert f"REFUSED champion: {said}" in out
    assert f"not promoted: {said}" in out


def test_the_stored_bundle_is_scored_the_same(project: OlderProject) -> None:
    project.run("evaluate", "--params", "params.yaml")
    found = json.loads((project.path / "outputs/metrics.json").read_text())
    # How it did on the tuning folds was measured otherwise: its own answer is kept, and it says so.
    assert found["chosen"] == "mix"
    assert any("trained by an earlier version" in note for note in found["notes"])
    older, scores = project.facts["metrics"], ("bundle", "horizon", "seasonal_period")
    # What it called lstm is the mix. Baselines pool their errors when they are fitted now.
    found = flat(
        {part: found[part]["mix"] for part in ("models", "folds")} | {n: found[n] for n in scores}
    )
    before = flat(
        {p: older[p]["lstm"] for p in ("models", "folds")} | {n: older[n] for n in scores}
    )
    assert set(found) == set(before)
    for path, value in before.items():
        same = pytest.approx(value, rel=1e-6, abs=1e-6) if isinstance(value, float) else value
        assert found[path] == same, path


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings and lists, by their path."""
    if not isinstance(tree, dict | list):
        return {path: tree}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return {k: v for key, part in items for k, v in flat(part, f"{path}/{key}").items()}


def test_the_earlier_champion_is_verified_and_champion_again(project: OlderProject) -> None:
    out = project.run("rollback")
    assert "version 1 is champion again (was online_retail version 2)" in out


def test_the_best_of_a_grid_is_judged_and_promoted(project: OlderProject) -> None:
    out = project.run("promote", "grid")
    passed = re.findall(r"passed (\w+):", out)
    assert passed == ["baselines", "champion", "signature", "segments"]
    first, second = wql_of(project, 1), wql_of(project, 2)
    assert f"better than online_retail version 1: wql {second} against {first}" in out
    assert "registered" not in out  # it is found by its digest
    assert "promoted online_retail version 2 to champion" in out
    dry = project.run("promote", "grid", "--dry-run")
    assert "online_retail version 2 is champion already" in dry


def test_a_training_is_run_again_by_the_code_of_its_commit(project: OlderProject) -> None:
    (run,) = project.facts["trainings"]
    out = project.run("rerun", run)
    assert "Verdict: identical:" in out
    assert "the weights are the same to the last bit" in out


def test_a_half_done_sweep_is_not_gone_on_with_and_says_why(project: OlderProject) -> None:
    before = project.run("sweeps")
    error = project.run("resume", "half", ok=False)
    assert "was launched by an earlier version, which counted its budget in epochs" in error
    assert project.run("sweeps") == before


@pytest.mark.parametrize("in_ci", [False, True])
@pytest.mark.parametrize("has_git", [False, True])
def test_a_checkout_that_does_not_reach_back_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_git: bool, in_ci: bool
) -> None:
    checkout, folder = tmp_path / "checkout", tmp_path / "folder"
    checkout.mkdir()
    folder.mkdir()
    monkeypatch.setattr("support.older_project.ROOT", checkout)
    monkeypatch.setenv("CI", "true" if in_ci else "")
    if has_git:
        git(checkout, "init", "--quiet")
    expected = pytest.fail.Exception if in_ci else pytest.skip.Exception
    with pytest.raises(expected, match="does not reach back to the older code"):
        made_or_absent(folder)
    assert list(folder.iterdir()) == []
