"""The tracking stores that restock promises to work with, real ones, for contract tests.

A test that takes the fixture `store` runs once for each of them:

* ``sqlite``: a file, and artifacts in a folder; what a laptop has by itself;
* ``postgres``: `mlflow server` on PostgreSQL, with artifacts in S3 that it serves itself;
* ``auth``: `mlflow server --app-name basic-auth` with deploy/basic_auth.ini (nobody may do anything
  by default) and its users in SQLite, as a user of the tests' own.

The servers start once a session (each takes seconds) and are shared; the experiment and the
registered model are new for each test. So a test finds nothing but its own runs and versions::

    def test_a_run_is_there(store: Store) -> None:
        with open_run(store.settings, store.root, "train", {}):
            pass
        client, experiment = connect(store.settings, store.root)
        assert len(client.search_runs([experiment])) == 1

The fixtures are known to all of tests/integration. For some kinds only, say
``@pytest.mark.parametrize("served", ["sqlite", "postgres"], indirect=True)``.
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from restock.settings.tracking import TrackingSettings
from support.mlflow_server import Server
from support.s3 import s3_bucket
from support.services import absent, postgres_database, present

KINDS = ("sqlite", "postgres", "auth")
ADMIN = ("admin", "an-admin-of-tests")
USER = ("ada", "a-user-of-tests")
AUTH = Path(__file__).parents[2] / "deploy/basic_auth.ini"
AUTH_DATABASE = "postgresql+psycopg://mlflow@postgres:5432/mlflow"  # as it says there


@dataclass(frozen=True)
class Served:
    """A store that is up.

    Attributes:
        kind: One of KINDS.
        root: What stands for the project's folder.
        uri: Where it is; none: SQLite in the root.
        environment: What a client needs: nothing, or its credentials.
    """

    kind: str
    root: Path
    uri: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Store:
    """A store with an experiment and a registered model that nobody has used before."""

    kind: str
    settings: TrackingSettings
    root: Path


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    """Give a running store of a kind: the same to all tests of a session."""
    with ExitStack() as stack:

        @cache
        def start(kind: str) -> Served:
            return stack.enter_context(SERVE[kind](tmp_path_factory.mktemp(f"store_{kind}")))

        yield start


@pytest.fixture(params=KINDS)
def served(request: pytest.FixtureRequest, serve: Callable[[str], Served]) -> Served:
    """A running store of each kind."""
    return serve(request.param)


@pytest.fixture
def store(served: Served, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of each kind, with nothing in it that the test did not write."""
    for name, value in served.environment.items():
        monkeypatch.setenv(name, value)
    unique = uuid.uuid4().hex[:8]
    settings = TrackingSettings(
        uri=served.uri, experiment_name=f"restock-{unique}", model_name=f"model-{unique}"
    )
    return Store(served.kind, settings, served.root)


@contextmanager
def sqlite(root: Path) -> Iterator[Served]:
    yield Served("sqlite", root)


@contextmanager
def postgres(root: Path) -> Iterator[Served]:
    with s3_bucket(root) as bucket, postgres_database() as database:
        where = ("--backend-store-uri", database)
        artifacts = ("--artifacts-destination", f"s3://{bucket.name}/mlflow")
        with running(Server(root, *where, *artifacts, environment=bucket.environment)) as server:
            yield Served("postgres", root, server.uri)


@contextmanager
def auth(root: Path) -> Iterator[Served]:
    if not present("flask_wtf"):
        absent("no flask-wtf: it comes with the extra `server`")
    config = root / "basic_auth.ini"
    ini = AUTH.read_text()
    assert AUTH_DATABASE in ini
    config.write_text(ini.replace(AUTH_DATABASE, f"sqlite:///{root}/auth.db"))
    environment = {
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-secret-of-tests",
    }
    with running(Server(root, "--app-name", "basic-auth", environment=environment)) as server:
        create_user(server.uri, *USER)
        yield Served("auth", root, server.uri, credentials(*USER))


SERVE = {"sqlite": sqlite, "postgres": postgres, "auth": auth}


@contextmanager
def running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.kill()


def credentials(name: str, password: str) -> dict[str, str]:
    """Return what makes MLflow's client act as a user."""
    return {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": password}


def create_user(uri: str, name: str, password: str) -> None:
    """Make a user, as the admin: it may create experiments and models, and manage its own."""
    body = {"username": name, "password": password}
    status, said = call(f"{uri}/api/2.0/mlflow/users/create", ADMIN, body)
    assert status == 200, said


def call(
    url: str, who: tuple[str, str] | None = None, body: Any = None, **headers: str
) -> tuple[int, str]:
    """Send a request as a user, or as nobody; return the status and the text of the answer."""
    request = urllib.request.Request(url, headers={"Content-Type": "application/json", **headers})
    if who is not None:
        token = base64.b64encode(":".join(who).encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    if body is not None:
        request.data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
