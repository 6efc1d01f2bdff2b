"""Where the project is: the folder with dvc.yaml, and its conf/."""

from __future__ import annotations

from pathlib import Path

import restock

OURS = ("dvc.yaml", "conf/config.yaml", "conf/data/base.yaml")
PACKAGED = Path(restock.__file__).parent / "conf"
SOURCE_TREE = Path(restock.__file__).parents[2] / "conf"  # an editable install
LEFT = (".restock", "mlflow.db", "optuna.db")  # what commands leave in a folder
NO_PROJECT = """\
no restock project here: neither this folder nor one above it has dvc.yaml and conf/. You can
  go to a project that you have:      cd PROJECT
  start one, with its data set:       git clone URL_OF_RESTOCK, then `make run` in it
  use your own table, no project:     \
restock run --config-dir my_conf data=my_table output_dir=out
                                      (and output_dir=out for other commands, too)"""


def find_project() -> Path | None:
    """Return the nearest folder upwards that is a restock project."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        # Another project with DVC and Hydra is none of ours.
        if all((folder / name).is_file() for name in OURS):
            return folder
    return None


def project_root() -> Path:
    """Return the project that this is in; outside of one, the working folder."""
    return find_project() or Path.cwd()


def has_worked(root: Path, output: Path) -> bool:
    """Say whether restock has left anything to work on: outputs, runs or sweeps."""
    return output.exists() or any((root / name).exists() for name in LEFT)


def conf_folder() -> Path:
    """Return the project's conf/; outside a project, the one that came with the package."""
    own = project_root() / "conf"
    for folder in (own, PACKAGED, SOURCE_TREE):
        if (folder / "config.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no conf/config.yaml in {own}, {PACKAGED} or {SOURCE_TREE}")
