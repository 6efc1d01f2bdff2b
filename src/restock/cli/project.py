"""Where the project is: the folder with dvc.yaml, its conf/, and the commit it stands at."""

from __future__ import annotations

import configparser
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import restock

OURS = ("dvc.yaml", "conf/config.yaml", "conf/data/base.yaml")
PACKAGED = Path(restock.__file__).parent / "conf"
SOURCE_TREE = Path(restock.__file__).parents[2] / "conf"  # an editable install


def project_root() -> Path:
    """Return the nearest folder upwards that is a restock project, or the working folder."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        # Another project with DVC and Hydra is none of ours.
        if all((folder / name).is_file() for name in OURS):
            return folder
    return here


def conf_folder() -> Path:
    """Return the project's conf/; outside a project, the one that came with the package."""
    own = project_root() / "conf"
    for folder in (own, PACKAGED, SOURCE_TREE):
        if (folder / "config.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no conf/config.yaml in {own}, {PACKAGED} or {SOURCE_TREE}")


def commit(root: Path) -> str:
    """Return the git commit of the project, marked if files were changed since."""
    described = _git(root, "rev-parse", "HEAD").strip()
    if not described:
        return "unknown"
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return described + ("-dirty" if changed else "")


def changes(root: Path) -> str:
    """Return what was changed since the commit as a patch that git applies.

    New files count below conf/ and src/. dvc.lock is left out: a pipeline writes it while it runs.
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
    """Return the name of DVC's default remote, or nothing."""
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
