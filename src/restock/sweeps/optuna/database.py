"""The database of a study. One process at a time opens it; if it is gone, processes wait."""

from __future__ import annotations

import sqlite3
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from restock.data.files import disk_full_named
from restock.data.locks import database_lock
from restock.errors import ConfigError, DiskFullError, UnreachableError
from restock.settings.engine import EngineSettings
from restock.sweeps.optuna.url import dialect_of, path_of, shown

T = TypeVar("T")
PATIENCE = 180.0  # seconds to wait for a database that does not answer
NEEDS = {"postgresql": "postgres", "mysql": "mysql"}


def open_storage(url: str, engine: EngineSettings) -> optuna.storages.RDBStorage:
    """Open a database of studies, and create its tables if there are none.

    Only one process at a time does this: otherwise the creation of tables can fail.

    Raises:
        ConfigError: If the URL is not valid, or its driver is not installed.
        UnreachableError: If the database does not answer.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    dialect = dialect_of(url)
    sqlite = dialect == "sqlite"
    options = {"connect_args": {"timeout": 60}} if sqlite else {"pool_pre_ping": True}
    try:
        with study_lock(url), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            if sqlite:
                _write_ahead(url)
            storage = optuna.storages.RDBStorage(
                url,
                engine_kwargs=options,
                heartbeat_interval=engine.heartbeat,
                grace_period=engine.grace,
            )
            if sqlite:
                _begin_at_once(storage.engine)
            return storage
    except ImportError as error:
        extra = NEEDS.get(dialect, dialect)
        raise ConfigError(
            f"{dialect} databases need a driver: pip install 'restock[{extra}]' ({error})"
        ) from None
    except (SQLAlchemyError, StorageInternalError) as error:
        raise UnreachableError(f"the study database {shown(url)} cannot be used: {error}") from None


def _write_ahead(url: str) -> None:
    """Let readers use a SQLite file while another process writes to it."""
    path = path_of(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    with disk_full_named(path):
        connection = sqlite3.connect(path, timeout=60)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()


def _begin_at_once(engine: sqlalchemy.Engine) -> None:
    """Start a SQLite transaction at its first read, with the right to write.

    Python's driver starts it at the first write. Then two processes could read the same waiting
    trial before either changes its state, and both would take the trial.
    """

    def leave_to_us(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    sqlalchemy.event.listen(engine, "connect", leave_to_us)
    sqlalchemy.event.listen(engine, "begin", begin)
    engine.dispose()  # connections that were made before


def study_lock(url: str) -> AbstractContextManager[None]:
    """Hold the lock for creating tables, studies and trials, against all processes and machines."""
    return database_lock(url, "study")


def patiently(call: Callable[[], T], *, patience: float = PATIENCE) -> T:
    """Call a function. While the database is gone or busy, call it again with growing pauses.

    Raises:
        UnreachableError: If the database does not answer in time.
        DiskFullError: If SQLite has no space to write.
    """
    until, pause = time.monotonic() + patience, 0.1
    while True:
        try:
            return call()
        except (DBAPIError, StorageInternalError, OSError) as error:
            cause = error if isinstance(error, DBAPIError) else error.__cause__
            if not isinstance(cause, DBAPIError | OSError | None):
                raise
            _check_disk(cause)
            if time.monotonic() > until:
                raise UnreachableError(
                    f"the study database did not answer for {patience:.0f} s: {error}"
                ) from error
            time.sleep(pause)
            pause = min(2 * pause, 5.0)


def _check_disk(cause: BaseException | None) -> None:
    if cause is not None and "database or disk is full" in str(cause):
        raise DiskFullError(
            "the study database has no space left. Earlier results are kept. Free some space and "
            "run the same command again."
        ) from cause
