"""Settings of tracking: where runs are logged and models are registered."""

from __future__ import annotations

from typing import Literal

from restock.settings.base import Frozen


class TrackingSettings(Frozen):
    """Where runs are logged. MLFLOW_TRACKING_URI in the environment wins over ``uri``."""

    name: Literal["mlflow", "none"] = "mlflow"
    """What runs are logged with; ``none`` logs nothing."""

    uri: str | None = None
    """The tracking server or database; null: mlflow.db in the project."""

    experiment_name: str = "restock"
    """The experiment that runs are logged in."""

    model_name: str
    """What the model is called in the registry."""

    system_metrics: bool = False
    """Whether processor and memory of the machine are logged with each trial."""

    lock_url: str | None = None
    """A database whose lock lets one promotion in at a time, where ``uri`` is a server; null: the
    store's own lock, or one within the project where the store is a server.
    """
