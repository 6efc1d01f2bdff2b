"""Real servers for tests: absent on a user's machine they are skipped, in CI they must be there."""

from __future__ import annotations

import importlib.util
import os
import socket
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy

POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432"


def absent(reason: str) -> None:
    """Skip where a person runs the tests; fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and this is CI")
    pytest.skip(reason)


@contextmanager
def postgres_database() -> Iterator[str]:
    """Make a database of the test's own at the local server, and drop it afterwards."""
    server = sqlalchemy.create_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    name = f"restock_{uuid.uuid4().hex[:12]}"
    try:
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    except sqlalchemy.exc.OperationalError as error:
        server.dispose()
        absent(f"no PostgreSQL at 127.0.0.1:5432 with trust for postgres ({error.orig})")
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


@contextmanager
def study_database(kind: str, folder: Path) -> Iterator[str]:
    """Make an empty database for studies: a file in the folder, or one at the local PostgreSQL."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'optuna.db'}"
    else:
        with postgres_database() as url:
            yield url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def present(module: str) -> bool:
    """Say whether a module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def wait_for(url: str, log: Path, seconds: float = 240) -> None:
    """Wait until a server answers; if it never does, fail with its log."""
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=10).close()
            return
        except OSError:
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.3)
