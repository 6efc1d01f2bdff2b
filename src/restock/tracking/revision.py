"""A project's revision and uncommitted changes in git, and its remote in DVC."""

from __future__ import annotations

import configparser
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path


def commit(root: Path) -> str:
    """Return the git commit of the project, marked if files were changed since."""
    # Excluding all tags leaves the whole hash, with the mark.
    described = _git(root, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")
    return described.strip() or "unknown"


def changes(root: Path) -> str:
    """Return the uncommitted changes as a git patch.

    It includes new files in conf/ and src/. dvc.lock is left out: a pipeline changes it while it
    runs.
    """
    objects = _git(root, "rev-parse", "--path-format=absolute", "--git-path", "objects").strip()
    if not objects:
        return ""
    with tempfile.TemporaryDirectory() as scratch:
        own = {
            **os.environ,
            "GIT_INDEX_FILE": str(Path(scratch) / "index"),
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        }
        _git(root, "read-tree", "HEAD", environment=own)
        _git(root, "add", "--update", ".", environment=own)
        for folder in ("conf", "src"):
            if (root / folder).is_dir():
                _git(root, "add", "--all", folder, environment=own)
        paths = (".", ":(exclude)dvc.lock")
        return _git(root, "diff", "--cached", "--binary", "HEAD", "--", *paths, environment=own)


def dvc_remote(root: Path) -> str:
    """Return the name of DVC's default remote, or an empty text."""
    parser = configparser.ConfigParser()
    parser.read([root / ".dvc" / "config", root / ".dvc" / "config.local"], encoding="utf-8")
    return parser.get("core", "remote", fallback="")


def _git(root: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    except FileNotFoundError:  # git is not needed outside a project
        return ""
    return done.stdout if done.returncode == 0 else ""
