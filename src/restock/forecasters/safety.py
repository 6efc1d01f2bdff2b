"""Refuse a bundle that could run code or do other harm. Its files are read, but not loaded.

Digests only show that files did not change after they were written. These checks show that they
contain no code, no links and no archives that unpack to a huge size.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from restock.errors import IntegrityError

MOST_BYTES = 4 * 2**30  # largest size of a bundle, and of an unpacked archive in it
MOST_RATIO = 200  # largest unpacked size, divided by the packed size
KERAS_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}
# Keras' own layers, and ours. But Lambda runs code that it contains, and TFSMLayer loads a graph
# from a path.
MODULES = ("keras", "restock.forecasters.lstm")
FORBIDDEN = {"Lambda", "TFSMLayer"}


def check_files(folder: Path, known: set[str]) -> None:
    """Check that a bundle is a folder of regular files, with the expected names only.

    Args:
        folder: Folder of the bundle.
        known: Names of the files that it may contain.

    Raises:
        IntegrityError: If it is not. The message names the file and what is wrong.
    """
    if folder.is_symlink():
        raise IntegrityError(f"{folder}: this is a link, but a bundle must be a folder of files.")
    total = 0
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise IntegrityError(
                f"{path}: this is not a regular file. A bundle holds regular files only."
            )
        if path.name not in known:
            raise IntegrityError(f"{path}: this file is not in the manifest of the bundle.")
        total += path.stat().st_size
        if total > MOST_BYTES:
            raise IntegrityError(f"{folder}: the bundle is larger than {MOST_BYTES:,} bytes.")


def check_archives(folder: Path) -> None:
    """Check the archives of a bundle without unpacking them.

    Raises:
        IntegrityError: If one is unsafe. The message names the file and what is wrong.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in (".keras", ".npz"):
            _check_archive(path)


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _check_member(path, member)
                if path.suffix == ".npz":
                    _check_array(path, archive, member)
            if path.suffix == ".keras":
                _check_network(path, archive)
    except zipfile.BadZipFile:
        raise IntegrityError(f"{path}: this is not a zip archive, as it should be.") from None


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if is_link or name.startswith(("/", "\\")) or ".." in Path(name).parts:
        raise IntegrityError(f"{path}: it holds {name!r}, which points outside of the archive.")
    if path.suffix == ".keras" and name not in KERAS_MEMBERS:
        raise IntegrityError(
            f"{path}: it holds {name!r}, but a saved network has only {sorted(KERAS_MEMBERS)}."
        )
    if path.suffix == ".npz" and not name.endswith(".npy"):
        raise IntegrityError(f"{path}: it holds {name!r}, but only .npy arrays are allowed.")
    packed = max(member.compress_size, 1)
    if member.file_size > MOST_BYTES or member.file_size / packed > MOST_RATIO:
        raise IntegrityError(
            f"{path}: {name!r} unpacks to {member.file_size:,} bytes. The limits are "
            f"{MOST_BYTES:,} bytes and {MOST_RATIO} times its packed size."
        )


def _check_array(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array of Python objects: it is a pickle, which can run code."""
    with archive.open(member) as file:
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0
            _, _, dtype = (np.lib.format.read_array_header_2_0 if version > (1, 0) else read)(file)
        except ValueError as error:
            raise IntegrityError(
                f"{path}: {member.filename!r} is not a NumPy array ({error})"
            ) from None
    if dtype.hasobject:
        raise IntegrityError(
            f"{path}: {member.filename!r} holds Python objects, but only numbers are allowed."
        )


def _check_network(path: Path, archive: zipfile.ZipFile) -> None:
    try:
        config = json.loads(archive.read("config.json"))
    except (KeyError, ValueError):
        raise IntegrityError(f"{path}: its config.json is missing or is not JSON.") from None
    for node in _nodes(config):
        name, module = node.get("class_name"), node.get("module") or "keras"
        ours = any(module == m or str(module).startswith(f"{m}.") for m in MODULES)
        if name in FORBIDDEN or (name is not None and not ours):
            raise IntegrityError(
                f"{path}: its {module}.{name} could run code, so the bundle is not loaded."
            )


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)
