"""Refuse a bundle that could do more than forecast, by looking at it: nothing of it is loaded.

Digests say that files are the ones that were written; this says that whoever wrote them put no
code, link or bomb among them.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from restock.errors import IntegrityError

MOST_BYTES = 4 * 2**30  # of a bundle, and of what an archive in it unpacks to
MOST_RATIO = 200  # unpacked over packed
KERAS_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}
# Keras' own layers, and ours. Lambda runs what it carries; TFSMLayer loads a graph from a path.
MODULES = ("keras", "restock.forecasters.lstm")
FORBIDDEN = {"Lambda", "TFSMLayer"}


def check_files(folder: Path, known: set[str]) -> None:
    """Check that a bundle is a folder of plain files, and no others than it should hold.

    Args:
        folder: Of the bundle.
        known: Names that may stand in it.

    Raises:
        IntegrityError: Naming the file and what is wrong with it.
    """
    if folder.is_symlink():
        raise IntegrityError(f"{folder}: is a link. A bundle is a folder of files.")
    total = 0
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise IntegrityError(f"{path}: is no plain file. A bundle holds nothing else.")
        if path.name not in known:
            raise IntegrityError(f"{path}: does not belong in a bundle (it is not in its manifest)")
        total += path.stat().st_size
        if total > MOST_BYTES:
            raise IntegrityError(f"{folder}: larger than {MOST_BYTES:,} bytes")


def check_archives(folder: Path) -> None:
    """Look into the archives of a bundle, without unpacking them.

    Raises:
        IntegrityError: Naming the file and what is wrong with it.
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
        raise IntegrityError(f"{path}: is no archive") from None


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if is_link or name.startswith(("/", "\\")) or ".." in Path(name).parts:
        raise IntegrityError(f"{path}: holds {name!r}, which points out of it")
    if path.suffix == ".keras" and name not in KERAS_MEMBERS:
        raise IntegrityError(f"{path}: holds {name!r}, which no saved network does")
    if path.suffix == ".npz" and not name.endswith(".npy"):
        raise IntegrityError(f"{path}: holds {name!r}, which is no array")
    packed = max(member.compress_size, 1)
    if member.file_size > MOST_BYTES or member.file_size / packed > MOST_RATIO:
        raise IntegrityError(f"{path}: {name!r} unpacks to {member.file_size:,} bytes")


def _check_array(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array of objects: it is a pickle."""
    with archive.open(member) as file:
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0
            _, _, dtype = (np.lib.format.read_array_header_2_0 if version > (1, 0) else read)(file)
        except ValueError as error:
            raise IntegrityError(f"{path}: {member.filename!r} is no array ({error})") from None
    if dtype.hasobject:
        raise IntegrityError(f"{path}: {member.filename!r} holds Python objects, not numbers")


def _check_network(path: Path, archive: zipfile.ZipFile) -> None:
    try:
        config = json.loads(archive.read("config.json"))
    except (KeyError, ValueError):
        raise IntegrityError(f"{path}: has no readable config.json") from None
    for node in _nodes(config):
        name, module = node.get("class_name"), node.get("module") or "keras"
        ours = any(module == m or str(module).startswith(f"{m}.") for m in MODULES)
        if name in FORBIDDEN or (name is not None and not ours):
            raise IntegrityError(f"{path}: its {module}.{name} could run code. It is not loaded.")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)
