"""A sweep on a Ray cluster of the test's own: it only runs the work."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from support import typed
from support.mlflow_server import Server
from support.services import free_port, postgres_database
from support.small_project import SMALL, environment, small_project

RAY = str(Path(sys.executable).with_name("ray"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A head node that asks for a token; yields what a client needs to reach it."""
    port, token = free_port(), secrets.token_hex(32)
    asked = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [
        RAY, "start", "--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false",
        "--node-ip-address=127.0.0.1", "--object-store-memory=100000000",
    ]  # fmt: skip
    env = {**environment(), **asked}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    yield {"address": f"127.0.0.1:{port}", "token": token}
    subprocess.run([RAY, "stop", "--force"], env=env, capture_output=True, check=True)


def tune(
    project: Path, cluster: dict[str, str], *overrides: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    engine = ["engine=ray", f"engine.ray_address={cluster['address']}", "engine.num_workers=2"]
    return typed.restock("tune", *SMALL, *engine, *overrides, cwd=project, **variables)


def test_a_sweep_runs_on_a_cluster_and_is_logged_from_there(
    project: Path, cluster: dict[str, str], tmp_path: Path
) -> None:
    server = Server(tmp_path)
    server.start()
    try:
        with postgres_database() as url:
            done = tune(
                project,
                cluster,
                f"engine.study_url={url}",
                f"tracking.uri={server.uri}",
                "sweep.name=cluster",
                RAY_AUTH_TOKEN=cluster["token"],
            )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "best is trial" in done.stdout
        client = MlflowClient(server.uri)
        experiment = client.get_experiment_by_name("restock").experiment_id
        (parent,) = client.search_runs([experiment], "attributes.run_name = 'cluster'")
        nested = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
        runs = client.search_runs([experiment], nested)
        assert len(runs) == 3
        assert {run.info.status for run in (parent, *runs)} == {"FINISHED"}
        assert all("sql" in run.data.metrics for run in runs)
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["tracking=none"], "share no file: set engine.study_url"),
        (["engine.study_url=postgresql://x@127.0.0.1:1/x", "tracking=none"], "cannot be used"),
    ],
)
def test_what_a_cluster_could_not_reach_is_refused(
    project: Path, cluster: dict[str, str], overrides: list[str], message: str
) -> None:
    done = tune(project, cluster, *overrides, RAY_AUTH_TOKEN=cluster["token"])
    assert done.returncode in (1, 2)
    assert message in done.stderr


def test_files_of_this_machine_are_no_place_to_log_to(
    project: Path, cluster: dict[str, str]
) -> None:
    with postgres_database() as url:
        done = tune(project, cluster, f"engine.study_url={url}", RAY_AUTH_TOKEN=cluster["token"])
    assert done.returncode == 2
    assert "set tracking.uri to an MLflow server" in done.stderr


def test_a_cluster_without_a_token_is_refused(project: Path, cluster: dict[str, str]) -> None:
    with postgres_database() as url:
        overrides = (f"engine.study_url={url}", "tracking=none")
        done = tune(project, cluster, *overrides, HOME=str(project))
        assert done.returncode == 2
        assert "ray get-auth-token --generate" in done.stderr
        wrong = tune(project, cluster, *overrides, RAY_AUTH_TOKEN=secrets.token_hex(32))
        assert wrong.returncode == 1
        assert "no Ray cluster at" in wrong.stderr
        assert os.environ.get("RAY_AUTH_MODE") is None
