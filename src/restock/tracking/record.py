"""What every run keeps of what it came from."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from restock.types.tracking import Tracker


def log_config(run: Tracker, settings: dict[str, Any]) -> None:
    """Keep the whole composed configuration with a run, as ``config.yaml``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        run.log_artifact(path)
