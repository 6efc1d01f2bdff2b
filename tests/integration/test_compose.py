"""deploy/compose.yaml: what it says, and the very command lines of it, run without containers.

There is no container engine in the tests: addresses are replaced, nothing else is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from restock.errors import UnreachableError
from restock.settings.tracking import TrackingSettings
from restock.tracking.mlflow.tracker import connect, open_run
from support.checkout import ROOT
from support.mlflow_server import Server
from support.s3 import Bucket, s3_bucket
from support.services import free_port, postgres_database
from support.stores import ADMIN, USER, call, create_user, credentials, running

DEPLOY = ROOT / "deploy"
FILLED = {
    "POSTGRES_PASSWORD": "postgres-secret",
    "MLFLOW_ADMIN_PASSWORD": ADMIN[1],
    "MLFLOW_SECRET_KEY": "mlflow-secret",
    "S3_MLFLOW_SECRET": "s3-mlflow-secret",
    "S3_DVC_SECRET": "s3-dvc-secret",
    "MLFLOW_ALLOWED_HOSTS": "mlflow.example.org,127.0.0.1:*",
    "MLFLOW_ALLOWED_ORIGINS": "https://mlflow.example.org",
}


def compose(values: dict[str, str], elsewhere: dict[str, str] | None = None) -> dict[str, Any]:
    """Read the file as Compose does, as far as it uses Compose's syntax for variables.

    Args:
        values: What deploy/.env says.
        elsewhere: Addresses, and what stands for them.
    """

    def fill(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        if operator == ":?":
            assert values.get(name), f"{name}: {rest}"
        return values.get(name) or rest

    text = replaced((DEPLOY / "compose.yaml").read_text(), elsewhere or {})
    return dict(yaml.safe_load(re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", fill, text)))


def replaced(text: str, elsewhere: dict[str, str]) -> str:
    for old, new in elsewhere.items():
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(compose(FILLED)["services"])


class TestFile:
    @pytest.mark.parametrize("missing", list(FILLED))
    def test_without_a_secret_nothing_starts(self, missing: str) -> None:
        with pytest.raises(AssertionError, match=missing):
            compose({**FILLED, missing: ""})

    def test_the_example_names_every_variable_and_holds_no_secret(self) -> None:
        lines = (DEPLOY / "env.example").read_text().splitlines()
        example = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
        assert set(example) == {*FILLED, "BIND"}
        assert {name for name, value in example.items() if not value} == {
            name for name in FILLED if "ALLOWED" not in name
        }

    def test_env_is_ignored_by_git(self) -> None:
        subprocess.run(["git", "check-ignore", "-q", "deploy/.env"], cwd=ROOT, check=True)

    def test_only_two_ports_are_published_and_only_on_this_machine(
        self, services: dict[str, Any]
    ) -> None:
        ports = {name: service.get("ports", []) for name, service in services.items()}
        assert ports == {
            "postgres": [],
            "buckets": [],
            "s3": ["127.0.0.1:8333:8333"],
            "mlflow": ["127.0.0.1:5000:5000"],
        }

    def test_images_are_pinned_and_services_say_whether_they_are_well(
        self, services: dict[str, Any]
    ) -> None:
        assert all(re.search(r":\d+\.\d+", service["image"]) for service in services.values())
        assert [name for name, service in services.items() if "healthcheck" not in service] == [
            "buckets"
        ]

    def test_no_secret_is_on_a_command_line(self, services: dict[str, Any]) -> None:
        secrets = [value for name, value in FILLED.items() if "ALLOWED" not in name]
        lines = " ".join(str(service.get("command")) for service in services.values())
        assert not [secret for secret in secrets if secret in lines]

    def test_laptops_get_a_key_for_the_bucket_of_dvc_alone(self) -> None:
        content = yaml.safe_load(compose(FILLED)["configs"]["s3"]["content"])
        actions = {identity["name"]: identity["actions"] for identity in content["identities"]}
        assert all(action.endswith(":dvc") for action in actions["dvc"])

    def test_the_image_has_the_versions_of_the_lock(self) -> None:
        image = (DEPLOY / "mlflow.Dockerfile").read_text()
        pins = re.findall(r'"([a-z0-9-]+)[^=]*==([^"]+)"', image)
        locked = dict(
            re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
        )
        assert {name for name, _ in pins} == {"mlflow", "boto3", "flask-wtf", "psycopg"}
        assert [(name, locked[name]) for name, _ in pins] == pins


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with s3_bucket(tmp_path_factory.mktemp("s3")) as made:
        yield made


@pytest.fixture(scope="module")
def running_services(
    tmp_path_factory: pytest.TempPathFactory, bucket: Bucket
) -> Iterator[dict[str, Any]]:
    """The services `buckets` and `mlflow`: their commands and environments but for addresses."""
    folder = tmp_path_factory.mktemp("compose")
    port = free_port()
    with postgres_database() as database:
        elsewhere = {
            "postgresql+psycopg://mlflow@postgres:5432/mlflow": database,
            "http://s3:8333": bucket.endpoint,
            "/deploy/": f"{folder}/",
            "--host=0.0.0.0": "--host=127.0.0.1",
            "--port=5000": f"--port={port}",
            "http://127.0.0.1:5000": f"http://127.0.0.1:{port}",
        }
        for name in ("basic_auth.ini", "make_buckets.py"):
            (folder / name).write_text(replaced((DEPLOY / name).read_text(), elsewhere))
        services = compose(FILLED, elsewhere)["services"]
        for _ in range(2):  # a second start finds what the first one made
            run(services["buckets"]["command"], services["buckets"]["environment"])
        program, verb, *options = services["mlflow"]["command"]
        assert (program, verb) == ("mlflow", "server")
        environment = services["mlflow"]["environment"]
        with running(Server(folder, *options, environment=environment, port=port)):
            yield services


@pytest.fixture(scope="module")
def uri(running_services: dict[str, Any]) -> str:
    (port,) = (
        option.removeprefix("--port=")
        for option in running_services["mlflow"]["command"]
        if option.startswith("--port=")
    )
    made = f"http://127.0.0.1:{port}"
    create_user(made, *USER)
    return made


def run(command: list[str], environment: dict[str, str]) -> None:
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:]], env={**os.environ, **environment}, check=True)


def act_as(monkeypatch: pytest.MonkeyPatch, *user: str) -> None:
    for name, value in credentials(*user).items():
        monkeypatch.setenv(name, value)


def grant(uri: str, user: str, kind: str, name: str) -> None:
    body = {"username": user, "resource_type": kind, "resource_id": name, "permission": "EDIT"}
    status, said = call(f"{uri}/api/3.0/mlflow/users/permissions/grant", ADMIN, body)
    assert status == 200, said


EXPERIMENTS = "api/2.0/mlflow/experiments"


class TestServer:
    def test_it_is_well_by_the_healthcheck_of_the_file(
        self, running_services: dict[str, Any], uri: str
    ) -> None:
        kind, *command = running_services["mlflow"]["healthcheck"]["test"]
        assert kind == "CMD"
        run(command, {})

    def test_nobody_gets_in_without_a_password(self, uri: str) -> None:
        for who in (None, ("admin", "password1234"), ("ada", "wrong")):
            status, _ = call(f"{uri}/{EXPERIMENTS}/search", who, {"max_results": 1})
            assert status == 401

    def test_an_unknown_host_is_refused(self, uri: str) -> None:
        url, body = f"{uri}/{EXPERIMENTS}/search", {"max_results": 1}
        assert call(url, USER, body, Host="mlflow.example.org")[0] == 200
        status, said = call(url, USER, body, Host="evil.example.org")
        assert (status, "Invalid Host" in said) == (403, True)

    def test_a_page_from_elsewhere_changes_nothing(self, uri: str) -> None:
        url = f"{uri}/{EXPERIMENTS}/create"
        status, said = call(url, USER, {"name": "a"}, Origin="https://evil.example.org")
        assert (status, "Cross-origin" in said) == (403, True)
        ours = {"Origin": "https://mlflow.example.org"}
        assert call(url, USER, {"name": "b"}, **ours)[0] == 200

    def test_no_page_may_frame_it(self, uri: str) -> None:
        with urllib.request.urlopen(f"{uri}/health") as answer:
            assert answer.headers["X-Frame-Options"] == "DENY"

    def test_artifacts_go_to_s3_through_the_server(
        self, uri: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        act_as(monkeypatch, *USER)
        (tmp_path / "note.txt").write_text("content")
        settings = TrackingSettings(uri=uri, experiment_name="mine", model_name="m")
        with open_run(settings, tmp_path, "train", {}) as run:
            run.log_artifact(tmp_path / "note.txt")
        assert MlflowClient(uri).get_run(run.run_id).info.artifact_uri.startswith("mlflow-artif")
        (key,) = Bucket(bucket.endpoint, "mlflow").keys()
        assert key.endswith(f"{run.run_id}/artifacts/note.txt")
        assert Bucket(bucket.endpoint, "dvc").keys() == []

    def test_another_user_sees_nothing_until_it_is_granted(
        self, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = ("bob", "another-user-of-tests")
        create_user(uri, *other)
        act_as(monkeypatch, *USER)
        settings = TrackingSettings(uri=uri, experiment_name="shared", model_name="m")
        client, experiment = connect(settings, tmp_path)
        client.create_registered_model("shared")

        act_as(monkeypatch, *other)
        with pytest.raises(UnreachableError, match="denied"):
            connect(settings, tmp_path)
        with pytest.raises(MlflowException, match="denied"):
            client.get_registered_model("shared")

        grant(uri, "bob", "experiment", experiment)
        grant(uri, "bob", "registered_model", "shared")
        (tmp_path / "note.txt").write_text("content")
        with open_run(settings, tmp_path, "train", {}) as run:
            run.log_artifact(tmp_path / "note.txt")
        uri_of_run = client.get_run(run.run_id).info.artifact_uri
        made = client.create_model_version("shared", uri_of_run, run.run_id)
        client.set_registered_model_alias("shared", "champion", made.version)
        assert client.get_model_version_by_alias("shared", "champion").version == made.version

    def test_only_the_admin_makes_users(self, uri: str) -> None:
        body = {"username": "eve", "password": "yet-another-user"}
        assert call(f"{uri}/api/2.0/mlflow/users/create", USER, body)[0] == 403
