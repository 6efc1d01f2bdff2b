"""From settings to what the LSTM is trained with, and what its features were made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from restock.data.store import panel_digest
from restock.settings.tree import Settings
from restock.types.folds import Folds

MADE_FROM = "made_from.json"
FORMAT = 2  # of the constants: those of an older one are made anew


def features_made_from(settings: Settings, panel_folder: Path, folds: Folds) -> dict[str, Any]:
    """Identify the settings, the data and the training cut that features depend on."""
    return {
        "format": FORMAT,
        "features": settings.features.model_dump(mode="json"),
        "panel": panel_digest(panel_folder),
        "cut": folds.cut,
    }
