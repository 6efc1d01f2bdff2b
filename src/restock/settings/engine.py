"""Settings of the engine: workers and threads, and where a sweep is stored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from restock.settings.base import Frozen


class EngineSettings(Frozen):
    """The workers of a sweep, and the database that stores it.

    The networks of the tuning folds train at the same time, one thread for each network. For
    networks of this size, this is 1.6 times as fast on two cores as two threads inside each
    operation.
    """

    name: Literal["local", "ray"] = "local"
    """Where the workers run: on this machine or on a Ray cluster."""

    ray_address: str = "auto"
    """Address of the Ray cluster; ``auto`` finds one that runs on this machine."""

    num_workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Number of worker processes. Each runs one trial at a time. With more than one, the proposed
    values depend on timing, so that a sweep cannot be repeated exactly.
    """

    num_threads: Annotated[int, Field(ge=0)] = 1
    """Threads inside one operation of the network; 0: the backend chooses."""

    study_url: str | None = None
    """URL of the database that stores sweeps; null: optuna.db in the project."""

    heartbeat: Annotated[int, Field(ge=1)] = 10
    """Seconds between two heartbeats of a worker. A heartbeat says that the worker is alive."""

    grace: Annotated[int, Field(ge=2)] = 60
    """Seconds without a heartbeat after which a worker's trial is given to another worker."""

    max_retries: Annotated[int, Field(ge=0)] = 5
    """How often a trial is started again after its worker died. After that it counts as failed."""

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
