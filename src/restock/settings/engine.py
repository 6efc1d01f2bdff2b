"""Settings of the engine: workers and threads, and where a sweep is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from restock.settings.base import Frozen


class EngineSettings(Frozen):
    """Who does the work of a sweep, and where its truth is kept.

    The networks of the tuning folds train side by side, a thread each: for networks of this size
    that uses two cores 1.6 times as well as two threads inside each operation.
    """

    name: Literal["local", "ray"] = "local"
    """Where the workers run: on this machine or on a Ray cluster."""

    ray_address: str = "auto"
    """Address of the Ray cluster; ``auto`` finds one that runs on this machine."""

    num_workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes, each of which runs a trial at a time; what more than one propose depends on
    timing.
    """

    num_threads: Annotated[int, Field(ge=0)] = 1
    """Threads inside one operation; 0: the backend's choice."""

    study_url: str | None = None
    """The database that sweeps are kept in; null: optuna.db in the project."""

    heartbeat: Annotated[int, Field(ge=1)] = 10
    """Seconds between a worker's signs of life."""

    grace: Annotated[int, Field(ge=2)] = 60
    """Seconds without a sign of life until a worker's trial is given to another one."""

    max_retries: Annotated[int, Field(ge=0)] = 5
    """How often a trial is made again after its worker died; then it counts as failed."""

    @model_validator(mode="after")
    def _grace(self) -> EngineSettings:
        if self.grace < 2 * self.heartbeat:
            raise ValueError("grace must be at least twice heartbeat: one beat may come late")
        if self.name == "ray" and (self.study_url or "sqlite").startswith("sqlite"):
            raise ValueError(
                "the nodes of a Ray cluster share no file: set engine.study_url to a database that "
                "all of them reach, such as postgresql://user@host/database"
            )
        return self
