"""Places of a sweep: its database, the folder that workers share, and the jobs of a grid."""

from __future__ import annotations

from pathlib import Path

from restock.settings.engine import EngineSettings


def study_url(engine: EngineSettings, root: Path) -> str:
    """Return the URL of the database that stores sweeps: from the settings, or in the project."""
    return engine.study_url or f"sqlite:///{root.resolve() / 'optuna.db'}"


def shared_folder(root: Path, sweep: str) -> Path:
    """Return the folder with a sweep's data and checkpoints on this machine."""
    return root.resolve() / ".restock" / "sweeps" / sweep


def jobs_folder(root: Path, sweep: str) -> Path:
    """Return the folder of a grid of whole trainings. Each job has a folder in it, by number."""
    return root / "multirun" / sweep
