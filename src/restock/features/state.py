"""Feature constants on disk: JSON, never a pickle."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from restock.data.files import read_json, replacing
from restock.settings.features import FeatureSettings
from restock.types.features import FeatureState
from restock.types.seasons import SeasonIndex

STATE, MADE_FROM = "state.json", "made_from.json"
FORMAT = 4  # of the constants: those of an older one are made anew


def write_state(path: Path, state: FeatureState) -> None:
    """Write feature constants as JSON."""
    path.write_text(json.dumps(dataclasses.asdict(state), indent=1) + "\n", encoding="utf-8")


def read_state(path: Path) -> FeatureState:
    """Read feature constants that :func:`write_state` wrote."""
    content = read_json(path)
    for name in ("vocabularies", "cold_effects"):
        content[name] = {k: tuple(v) for k, v in content[name].items()}
    seasons = [
        SeasonIndex(**{**one, "groups": {k: tuple(v) for k, v in one["groups"].items()}})
        for one in content.pop("seasons", ())  # an earlier version had none
    ]
    return FeatureState(**content, seasons=tuple(seasons))


def made_from(settings: FeatureSettings, panel: str, cut: str) -> dict[str, Any]:
    """Identify what constants were learned from.

    Args:
        settings: Which features.
        panel: Digest of the panel.
        cut: Of the folds: where the training ends.
    """
    return {
        "format": FORMAT,
        "features": settings.model_dump(mode="json"),
        "panel": panel,
        "cut": cut,
    }


def save_constants(folder: Path, state: FeatureState, origin: dict[str, Any]) -> None:
    """Write constants, and what they were learned from; see :func:`made_from`."""
    with replacing(folder) as aside:
        aside.mkdir()
        write_state(aside / STATE, state)
        (aside / MADE_FROM).write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")


def load_constants(folder: Path, wanted: dict[str, Any]) -> FeatureState | None:
    """Read constants, or return None where there are none that were learned from the same."""
    origin = folder / MADE_FROM
    if not origin.is_file() or read_json(origin) != wanted:
        return None
    return read_state(folder / STATE)
