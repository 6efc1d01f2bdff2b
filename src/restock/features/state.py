"""Feature constants on disk: JSON, never a pickle."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from restock.data.files import read_json
from restock.types.features import FeatureState


def write_state(path: Path, state: FeatureState) -> None:
    """Write feature constants as JSON."""
    path.write_text(json.dumps(dataclasses.asdict(state), indent=1) + "\n", encoding="utf-8")


def read_state(path: Path) -> FeatureState:
    """Read feature constants that :func:`write_state` wrote."""
    content = read_json(path)
    for name in ("vocabularies", "cold_effects"):
        content[name] = {k: tuple(v) for k, v in content[name].items()}
    return FeatureState(**content)
