"""Settings of tracking: where runs are logged and models are registered."""

from __future__ import annotations

from typing import Literal

from restock.settings.base import Frozen


class TrackingSettings(Frozen):
    """Where runs are logged. The environment variable MLFLOW_TRACKING_URI overrides ``uri``."""

    name: Literal["mlflow", "none"] = "mlflow"
    """The tool that logs runs; ``none``: nothing is logged."""

    uri: str | None = None
    """URI of the tracking server or database; null: mlflow.db in the project."""

    experiment_name: str = "restock"
    """The MLflow experiment that runs are logged in."""

    model_name: str
    """Name of the model in the registry."""

    system_metrics: bool = False
    """Whether the use of processor and memory is logged with each trial."""

    lock_url: str | None = None
    """URL of a database that holds the lock for promotions, so that only one runs at a time. Set
    it if ``uri`` is a server and several machines promote. null: if ``uri`` is a database, the
    lock is there; if it is a server, a file in the project is the lock.
    """
