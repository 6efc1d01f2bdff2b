"""Where sweeps are kept: their study, what workers share, and what the jobs of a grid make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from restock.settings.engine import EngineSettings

STUDY_FILE = "optuna.db"  # in the project's folder


def study_url(engine: EngineSettings, root: Path) -> str:
    """Return the database that sweeps are kept in: the settings' or one in the project."""
    return engine.study_url or f"sqlite:///{root.resolve() / STUDY_FILE}"


def shared_folder(root: Path, sweep: str) -> Path:
    """Return where a sweep's workers on this machine find its data, and leave their checkpoints."""
    return root.resolve() / ".restock" / "sweeps" / sweep


def jobs_folder(root: Path, sweep: str) -> Path:
    """Return where the jobs of a grid of whole trainings write, each to a folder of its number."""
    return root / "multirun" / sweep
