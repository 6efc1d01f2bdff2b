"""Places of a sweep: its database, the folder that workers share, and the jobs of a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from restock.settings.engine import EngineSettings

STUDY_FILE = "optuna.db"  # in the project's folder


def study_url(engine: EngineSettings, root: Path) -> str:
    """Return the URL of the database that stores sweeps: from the settings, or in the project."""
    return engine.study_url or f"sqlite:///{root.resolve() / STUDY_FILE}"


def shared_folder(root: Path, sweep: str) -> Path:
    """Return the folder with a sweep's data and checkpoints on this machine."""
    return root.resolve() / ".restock" / "sweeps" / sweep


def jobs_folder(root: Path, sweep: str) -> Path:
    """Return the folder of a grid of whole trainings. Each job has a folder in it, by number."""
    return root / "multirun" / sweep
