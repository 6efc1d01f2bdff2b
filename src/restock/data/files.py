"""Write files so that a crash leaves either the whole old file or the whole new one; digests."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from restock.errors import DiskFullError, UserError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path. On success it is synced and replaces ``path``, else it is removed.

    The caller may make a file or a folder there.

    Raises:
        DiskFullError: If there is no space. The message names the path and the free space.
    """
    with disk_full_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(path) as aside:
            yield aside


@contextmanager
def disk_full_named(path: Path) -> Iterator[None]:
    """If the disk is full, raise an error that names the file.

    Raises:
        DiskFullError: In place of the system's error.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        folder = next(parent for parent in path.parents if parent.is_dir())
        free = shutil.disk_usage(folder).free
        raise DiskFullError(
            f"{path}: no space left ({free:,} bytes free). The file was not changed. Free some "
            "space and run the same command again."
        ) from error


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield aside
        for file in [aside, *aside.rglob("*")] if aside.is_dir() else [aside]:
            _sync(file)
        old = path.with_name(f".{path.name}.{os.getpid()}.old")
        if path.is_dir():  # a folder cannot be renamed over another one
            path.replace(old)
        aside.replace(path)
        _sync(path.parent)
        if old.exists():
            shutil.rmtree(old)
    finally:
        if aside.is_dir():
            shutil.rmtree(aside)
        aside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Any) -> None:
    """Write JSON with keys in the given order and numbers in full precision; NaN is refused."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        UserError: If there is no such file. The message says how to make it.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file. Run the step that writes it, or `dvc repro`.")
    return json.loads(path.read_text(encoding="utf-8"))


def digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(folder: Path) -> str:
    """Return the sha256 over the names and contents of all files below a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(folder).as_posix()}\0{digest(path)}\n".encode())
    return total.hexdigest()
