"""What a stage reads, by its hash: checked against what the pipeline wrote, and kept with the run.

Hashes are DVC's own (MD5; of a folder, that of the list of its files), so that an input can be
found again in DVC's cache or its remote.
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
    """Return the hash of each input that is there, by its name in the folder."""
    return {name: dvc_md5(folder / name) for name in names if (folder / name).exists()}


def dvc_md5(path: Path) -> str:
    """Return what DVC calls a file or a folder."""
    if path.is_file():
        return _md5(path)
    listed = [{"md5": md5, "relpath": name} for name, md5 in _files(path).items()]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"  # noqa: S324


def check_inputs(found: dict[str, str], folder: Path, root: Path) -> None:
    """Refuse inputs that are not what the pipeline wrote: DVC checks out corrupt objects silently.

    Args:
        found: Hashes by name; see :func:`hashes`.
        folder: Where the inputs lie.
        root: The project's, with dvc.lock.

    Raises:
        IntegrityError: Naming the file, what it is and what it should be.
    """
    promised = _locked(root)
    for name, md5 in found.items():
        path = folder / name
        wanted = promised.get(path.as_posix(), md5)
        if md5 != wanted:
            raise IntegrityError(
                f"{_culprit(path, md5, wanted, root)} Nothing was computed from it. Restore it: "
                f"remove {CACHE / wanted[:2] / wanted[2:]} if that is corrupt, then `dvc pull "
                f"{path}`, or make it anew with `dvc repro --force`."
            )


def _culprit(path: Path, md5: str, wanted: str, root: Path) -> str:
    """Name the file of a folder that differs, where the cache still knows the list of files."""
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
    """Return what dvc.lock says of every output, by path."""
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
