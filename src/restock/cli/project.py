"""Where the project is: the folder with dvc.yaml, and its conf/."""

from __future__ import annotations

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
