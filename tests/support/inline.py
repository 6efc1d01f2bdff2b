"""A crew of one that works in this process: for tests that watch what the objective does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from restock.sweeps.crew import Crew
from restock.sweeps.optuna.supervisor import Supervisor
from restock.sweeps.worker import TrialJob, fold_objective, run_worker


def run_inline(
    sweeps: Path,
    crew: Crew,
    supervisor: Supervisor,
    num_workers: int,
    *,
    watch: Callable[[Crew], None],
) -> None:
    """Stands in for :func:`restock.sweeps.crew.run_crew`."""
    job = TrialJob.load(sweeps / supervisor.name / "job.json")
    opened = supervisor.opened
    run_worker(job, "inline", fold_objective(job, opened), opened, lambda: False)
    watch(crew)
