"""Locks between processes. The kernel, or the database server, frees a lock if its holder dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restock.data.files import disk_full_named
from restock.errors import LockedError

POLL = 0.05  # seconds


@contextmanager
def file_lock(path: Path, *, timeout: float = 120.0) -> Iterator[None]:
    """Hold a lock that only one process can hold at a time.

    Args:
        path: File of the lock. It is not removed, and names the last holder.
        timeout: Seconds to wait for another holder.

    Raises:
        LockedError: After the timeout. The message names the holder and when it took the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        _wait(file.fileno(), path, timeout)
        with disk_full_named(path):
            file.truncate(0)
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            file.write(f"process {os.getpid()} on {socket.gethostname()} since {now}\n")
            file.flush()
        yield


@contextmanager
def database_lock(url: str, what: str, *, timeout: float = 120.0) -> Iterator[None]:
    """Hold a lock against all processes and machines that use a database.

    Args:
        url: URL of the database. For SQLite, the lock is a file in the same folder.
        what: Name of what the lock protects.
        timeout: Seconds to wait for another holder (SQLite, MySQL).

    Raises:
        LockedError: If another process still holds it after the timeout (SQLite).
    """
    import sqlalchemy

    parsed = sqlalchemy.engine.make_url(url)
    dialect = parsed.get_backend_name()
    if dialect == "sqlite":
        with file_lock(Path(str(parsed.database)).with_suffix(f".{what}.lock"), timeout=timeout):
            yield
        return
    key = int.from_bytes(hashlib.sha256(f"restock {what}".encode()).digest()[:7], "big")
    postgres = dialect == "postgresql"
    take = f"SELECT pg_advisory_lock({key})" if postgres else f"SELECT GET_LOCK('{key}', {timeout})"
    server = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    with server.connect() as connection:  # closing the connection frees the lock
        connection.execute(sqlalchemy.text(take))
        yield


def _wait(descriptor: int, path: Path, timeout: float) -> None:
    until = time.monotonic() + timeout
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                holder = path.read_text(encoding="utf-8").strip() or "an unknown process"
                raise LockedError(
                    f"{path}: this lock is held by {holder}. Wait until that process ends, or stop "
                    "it; then run this command again."
                ) from None
            time.sleep(POLL)
