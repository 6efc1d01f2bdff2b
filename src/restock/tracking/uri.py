"""The URI of the tracking store. This module does not import MLflow."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from restock.settings.tracking import TrackingSettings


def tracking_uri(settings: TrackingSettings, root: Path) -> str:
    """Return the URI from the environment, else from the settings, else SQLite in the project."""
    return _decoded(named_uri(settings) or f"sqlite:///{root.resolve() / 'mlflow.db'}")


def named_uri(settings: TrackingSettings) -> str | None:
    """Return the store that the environment or the settings name."""
    return os.environ.get("MLFLOW_TRACKING_URI") or settings.uri


def _decoded(uri: str) -> str:
    """Undo the URL quoting that `mlflow run` applies to the path of a SQLite store."""
    path = uri.removeprefix("sqlite:///")
    plain = unquote(path)
    if path not in (uri, plain) and not Path(path).exists() and Path(plain).exists():
        return f"sqlite:///{plain}"
    return uri
