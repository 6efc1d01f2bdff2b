"""Names under which a sweep's facts are stored with its study and its attempts."""

from __future__ import annotations

from pathlib import Path

from restock.settings.tree import EngineSettings

# Of a study.
SWEEP = "restock.sweep"
NUM_TRIALS = "restock.num_trials"
STOP = "restock.stop"
KEY = "restock.key"
# Of an attempt at a trial.
SLOT = "slot"
WORKER = "worker"
RETRIES = "retries"
ERROR = "error"
OUTCOME = "outcome"
RELEASED = "released"
# What Keras Tuner settles of a trial.
EPOCHS = "epochs"
RESUMES = "resumes"
KNOWN = "known"


def study_url(engine: EngineSettings, root: Path) -> str:
    """Return the database that sweeps are kept in: the settings' or one in the project."""
    return engine.study_url or f"sqlite:///{root.resolve() / 'optuna.db'}"


def jobs_folder(root: Path, sweep: str) -> Path:
    """Return where the jobs of a grid of whole trainings write, each to a folder of its number."""
    return root / "multirun" / sweep
