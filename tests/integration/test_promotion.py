"""From two bundles to champions: promoted, refused, rolled back, compared, run again, served."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from restock.champions.moves import Move, mirror_of
from support.forked import python
from support.services import free_port
from support.small_project import environment, restock, small_project

# Two epochs teach little: what is tested is not how good the bundles are.
BASE = [
    "data=own", "debug=tiny", "training.use_tuned=false", "evaluation.baselines.names=[naive]",
    "promotion.coverage_80=null", "promotion.max_segment_increase=null",
    "promotion.max_cost_increase=null",
]  # fmt: skip
GIT = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project under git with two scored bundles: outputs.worse and outputs.better."""
    folder = small_project(tmp_path_factory.mktemp("project"))
    (folder / ".gitignore").write_text("/out*/\n/.restock/\n/ml*\n/own.csv\n")
    subprocess.run([*GIT, "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([*GIT, "add", "."], cwd=folder, check=True)
    subprocess.run([*GIT, "commit", "--quiet", "-m", "one"], cwd=folder, check=True)
    losses = {}
    for units in (4, 16):
        said(folder, "train", f"model.units={units}")
        said(folder, "evaluate")
        report = json.loads((folder / "outputs/metrics.json").read_text())
        losses[units] = report["models"][report["chosen"]]["wql"]
        shutil.copytree(folder / "outputs", folder / f"out{units}")
    worse, better = sorted(losses, key=lambda units: -losses[units])
    (folder / f"out{worse}").rename(folder / "out.worse")
    (folder / f"out{better}").rename(folder / "out.better")
    use(folder, "worse")
    said(folder, "promote")
    return folder


def said(folder: Path, command: str, *more: str) -> str:
    done = restock(folder, command, *more, *BASE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def use(folder: Path, which: str) -> None:
    shutil.rmtree(folder / "outputs")
    shutil.copytree(folder / f"out.{which}", folder / "outputs")


def client(folder: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def runs(folder: Path, command: str) -> list[Any]:
    store = client(folder)
    experiment = store.get_experiment_by_name("restock").experiment_id
    return list(store.search_runs([experiment], f"tags.`restock.command` = '{command}'"))


def test_a_promotion_is_explained_verified_and_recorded(project: Path) -> None:
    store = client(project)
    version = store.get_model_version_by_alias("own", "champion")
    assert str(version.version) == "1"
    assert version.tags["restock.state"] == "verified"
    assert version.description.startswith("# Model card: own")
    decision = next(r for r in runs(project, "promote") if r.data.tags["restock.verdict"])
    assert decision.data.tags["restock.verdict"] == "promote"
    files = {f.path for f in store.list_artifacts(decision.info.run_id, "promotion")}
    assert files == {"promotion/promotion.html"}
    (move,) = mirror_of(project, "own").read()
    assert (move.from_version, move.to_version, move.kind) == (None, "1", "promote")
    assert move.commit == subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True
    ).stdout.strip()  # fmt: skip


def test_a_refusal_is_recorded_and_registers_nothing(project: Path) -> None:
    use(project, "better")
    out = said(project, "promote", "promotion.max_size=0.001")
    assert "REFUSED size" in out
    assert "not promoted: size" in out
    assert len(client(project).search_model_versions("name = 'own'")) == 1
    assert "refuse" in {r.data.tags["restock.verdict"] for r in runs(project, "promote")}
    assert json.loads((project / "outputs/verdict.json").read_text())["champion"] == "1"


def test_a_dry_run_records_nothing(project: Path) -> None:
    use(project, "better")
    before = len(runs(project, "promote"))
    assert "passed champion: better than own version 1" in said(project, "promote", "--dry-run")
    assert len(runs(project, "promote")) == before


def test_the_better_one_takes_over_and_history_rollback_and_diff_tell_of_it(
    project: Path,
) -> None:
    use(project, "better")
    assert "promoted own version 2 to champion" in said(project, "promote")
    assert "own version 2 is champion already" in said(project, "promote")
    use(project, "worse")
    assert "REFUSED champion: own version 2 is not beaten" in said(project, "promote")
    assert "own version 1 is champion again" in said(project, "rollback")
    assert "own version 2 is champion again" in said(project, "rollback", "--to", "2")
    moves = mirror_of(project, "own").read()
    kinds = [(move.kind, move.from_version, move.to_version) for move in moves]
    assert kinds == [
        ("promote", None, "1"), ("promote", "1", "2"), ("rollback", "2", "1"),
        ("rollback", "1", "2"),
    ]  # fmt: skip
    out = said(project, "history", "--refresh")
    assert out.count("rollback") == 2
    assert out == said(project, "history")
    differs = said(project, "diff", "1", "2")
    assert "units" in differs
    assert "training.test.wql" in differs
    again = restock(project, "rollback", "--to", "2", *BASE)
    assert again.returncode == 2
    assert "is champion already" in again.stderr
    unknown = restock(project, "diff", "1", "9", *BASE)
    assert unknown.returncode == 2
    assert "no version '9'. Known: 2, 1" in unknown.stderr


def test_the_card_says_what_a_version_was_made_from(project: Path) -> None:
    out = said(project, "card", "1")
    for fact in ("W-SUN", "sales", "rows_read = 360", "global LSTM", "lead_time", "models:/own"):
        assert fact in out or fact == "sales"
    card = json.loads((project / "outputs/card.json").read_text())
    assert card["data"]["date_range"] == ["2020-01-05", "2021-09-19"]
    assert (project / "outputs/card.md").read_text() in out


def test_a_changed_file_in_the_store_is_refused_before_it_is_loaded(project: Path) -> None:
    store = client(project)
    version = store.get_model_version("own", "1")
    folder = project / "mlartifacts"
    (path,) = [
        p for p in folder.rglob("state.json") if version.source.removeprefix("models:/") in str(p)
    ]
    content = path.read_bytes()
    path.write_bytes(content.replace(b"{", b"{ ", 1))
    try:
        done = restock(project, "rollback", "--to", "1", *BASE)
    finally:
        path.write_bytes(content)
    assert done.returncode == 1
    assert "not the ones that were registered" in done.stderr
    champion = store.get_model_version_by_alias("own", "champion")
    assert champion.tags["restock.state"] == "verified"


def test_a_run_is_promoted_by_its_id(project: Path) -> None:
    use(project, "worse")
    (train,) = [r for r in runs(project, "train") if r.data.params["model.units"] == units(project)]
    out = said(project, "promote", train.info.run_id, "--dry-run")
    assert "is champion already" in out or "champion" in out
    unknown = restock(project, "promote", "0" * 32, "--dry-run", *BASE)
    assert unknown.returncode == 2
    assert "no run" in unknown.stderr


def units(project: Path) -> str:
    manifest = json.loads((project / "outputs/bundle/manifest.json").read_text())
    return str(manifest["model"]["units"])


def test_a_rerun_is_identical_and_says_what_is_missing(project: Path) -> None:
    evaluate = runs(project, "evaluate")[0]
    out = said(project, "rerun", evaluate.info.run_id)
    assert "identical: " in out
    assert "to the last bit" in out
    rerun = runs(project, "rerun")[0]
    assert rerun.data.tags["restock.verdict"] == "identical"
    worktrees = subprocess.run(
        ["git", "worktree", "list"], cwd=project, capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    assert len(worktrees.splitlines()) == 1
    table = (project / "own.csv").read_text()
    (project / "own.csv").write_text(table.replace("2020-01-05", "2020-01-12", 1))
    try:
        assert "not reproducible: " in said(project, "rerun", evaluate.info.run_id)
    finally:
        (project / "own.csv").write_text(table)


def test_a_rerun_of_a_run_that_git_knew_no_commit_of_says_what_to_do(project: Path) -> None:
    trained = runs(project, "train")[0].info.run_id
    store, tag = client(project), "restock.commit"
    commit = store.get_run(trained).data.tags[tag]
    store.set_tag(trained, tag, "unknown")
    try:
        out = said(project, "rerun", trained)
    finally:
        store.set_tag(trained, tag, commit)
    assert "not reproducible: the run was made where git knew no commit" in out


def test_a_run_keeps_what_it_came_from(project: Path) -> None:
    path = project / "conf/model/lstm.yaml"
    path.write_text(path.read_text() + "# a change\n")
    (project / "conf/model/new.yaml").write_text("name: lstm\n")
    try:
        said(project, "evaluate")
    finally:
        subprocess.run(["git", "checkout", "--quiet", "conf"], cwd=project, check=True)
        (project / "conf/model/new.yaml").unlink()
    run = runs(project, "evaluate")[0]
    tags = run.data.tags
    assert tags["restock.commit"].endswith("-dirty")
    assert tags["restock.seed"] == "42"
    assert "cores" in tags["restock.hardware"]
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.source_type == "dvc"
    import mlflow

    lineage = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="lineage", tracking_uri=client(project).tracking_uri
    )
    patch = (Path(lineage) / "uncommitted.patch").read_text()
    assert "+# a change" in patch
    assert "conf/model/new.yaml" in patch
    assert (
        json.loads((Path(lineage) / "inputs.json").read_text())["panel"] == dataset.dataset.digest
    )
    source = mlflow.data.get_source(dataset.dataset)
    assert source.to_dict()["path"] == "outputs/panel"


def test_passwords_are_kept_nowhere(project: Path) -> None:
    secret = "hunter2hunter2"
    url = f"engine.study_url=postgresql+psycopg://ada:{secret}@127.0.0.1:1/none"
    said(project, "evaluate", url, f"tracking.lock_url=postgresql://ada:{secret}@h/d")
    found = [
        path
        for path in project.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]
    assert found == []


def test_mlflow_serves_the_champion(project: Path) -> None:
    store = client(project)
    version = store.get_model_version_by_alias("own", "champion")
    import mlflow

    mlflow.set_tracking_uri(store.tracking_uri)
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/own/{version.version}"))
    example, stored = (pd.read_parquet(folder / f"{n}.parquet") for n in ("example", "smoke"))
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/own@champion",
        "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    own = {
        **environment(),
        "MLFLOW_TRACKING_URI": store.tracking_uri,
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }
    with (project / "out.serve.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=own, stdout=log, stderr=log, start_new_session=True, cwd=project
        )
    try:
        answered = _ask(port, example, {})
        fewer = _ask(port, example, {"horizon": 2, "quantile_levels": [0.5]})
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=30)
    np.testing.assert_allclose(answered["q0.5"], stored["q0.5"], rtol=1e-4)
    np.testing.assert_allclose(answered["reorder_point"], stored["reorder_point"])
    assert len(fewer) == len(stored) // 2
    assert [name for name in fewer.columns if name.startswith("q")] == ["q0.5"]


def _ask(port: int, example: pd.DataFrame, params: dict[str, Any]) -> pd.DataFrame:
    table = json.loads(example.to_json(orient="split", date_format="iso", index=False))
    body = json.dumps({"dataframe_split": table, "params": params}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
    )
    until = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return pd.DataFrame(json.loads(answer.read())["predictions"])
        except (ConnectionError, urllib.error.URLError) as error:
            if isinstance(error, urllib.error.HTTPError):
                raise AssertionError(error.read()) from error
            assert time.monotonic() < until
            time.sleep(1.0)


def test_a_thousand_versions_are_listed_from_the_mirror(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "conf", tmp_path / "conf")
    moves = [
        Move(n, "promote", str(n - 1) if n > 1 else None, str(n), "better") for n in range(1, 1001)
    ]
    mirror_of(tmp_path, "online_retail").append(moves)
    done = restock(tmp_path, "history")
    assert done.returncode == 0, done.stderr
    assert "1000: better" in done.stdout


def test_promotions_killed_at_random_points_leave_no_bad_champion() -> None:
    root = Path(__file__).parents[2]
    command = [python(), "-m", "benchmarks.promotion.kills", "--count", "25"]
    done = subprocess.run(
        command, cwd=root, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout[done.stdout.index("{") :])
    assert counts["bad champions"] == 0
    assert counts["promotions"] == 25
