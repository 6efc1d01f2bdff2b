"""Hashes of a stage's inputs. They are compared with what the pipeline wrote, and logged.

They are DVC's own hashes (MD5; for a folder, the MD5 of the list of its files), so that an input
can be found in DVC's cache or its remote.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from restock.errors import IntegrityError

CACHE = Path(".dvc") / "cache" / "files" / "md5"


def hashes(names: Iterable[str], folder: Path) -> dict[str, str]:
    """Return the hash of each input that exists, by its name in the folder."""
    return {name: dvc_md5(folder / name) for name in names if (folder / name).exists()}


def dvc_md5(path: Path) -> str:
    """Return DVC's hash of a file or a folder."""
    if path.is_file():
        return _md5(path)
    listed = [{"md5": md5, "relpath": name} for name, md5 in _files(path).items()]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"  # noqa: S324


def check_inputs(found: dict[str, str], folder: Path, root: Path) -> None:
    """Refuse inputs that differ from what the pipeline wrote.

    This is needed because DVC checks out corrupt files from its cache without an error.

    Args:
        found: Hashes by name; see :func:`hashes`.
        folder: Folder of the inputs.
        root: Folder of the project, with dvc.lock.

    Raises:
        IntegrityError: If a hash differs. The message names the file and both hashes.
    """
    promised = _locked(root)
    for name, md5 in found.items():
        path = folder / name
        wanted = promised.get(path.as_posix(), md5)
        if md5 != wanted:
            raise IntegrityError(
                f"{_culprit(path, md5, wanted, root)} Nothing was computed from it. To restore it, "
                f"remove {CACHE / wanted[:2] / wanted[2:]} if it is corrupt and run `dvc pull "
                f"{path}`. Or make it again with `dvc repro --force`."
            )


def _culprit(path: Path, md5: str, wanted: str, root: Path) -> str:
    """Name the file that differs; for a folder, this needs the list of its files in the cache."""
    said = f"{path}: not what the pipeline wrote (md5 {md5}, dvc.lock says {wanted})."
    listed = root / CACHE / wanted[:2] / wanted[2:]
    if not path.is_dir() or not listed.is_file():
        return said
    there = _files(path)
    for item in json.loads(listed.read_text(encoding="utf-8")):
        own = there.get(item["relpath"])
        if own != item["md5"]:
            shown = f"md5 {own}" if own else "missing"
            return f"{path / item['relpath']}: {shown}, the pipeline wrote md5 {item['md5']}."
    return said


def _locked(root: Path) -> dict[str, str]:
    """Return the hash in dvc.lock of every output, by path."""
    path = root / "dvc.lock"
    if not path.is_file():
        return {}
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    stages = content.get("stages", {}).values()
    return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", ())}


def _files(folder: Path) -> dict[str, str]:
    paths = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return {name: _md5(folder / name) for name in sorted(paths)}


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
