"""Settings of earlier versions: what an error says about one, and how stored ones are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IN_STEPS = (
    "It is training.max_steps now, in gradient steps: epochs * passes_per_epoch * series / "
    "batch_size. Leave it out to let the panel decide."
)
MOVED = {
    "data.table": "Its keys are in data.source now.",
    "training.max_epochs": IN_STEPS,
    "training.passes_per_epoch": IN_STEPS,
    "training.snapshots": "It is not needed: every network ends with a small learning rate now.",
    "search.tuner.num_warmup_epochs": "It is search.tuner.warmup_share now, a share of the steps.",
}


def counts_epochs(config: Mapping[str, Any]) -> bool:
    """Say whether a stored configuration has its budget in epochs, as earlier versions did."""
    return "max_epochs" in config["training"]


def readable(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored configuration without the settings that are there no more."""
    kept = _without(config, "")
    if "evaluation" in kept:
        kept["evaluation"] = {"loss": "wql", **kept["evaluation"]}  # there was no other
    if "search" in kept:
        search = {"max_series": None, **kept["search"]}  # trials saw all series
        search["objectives"] = ["loss" if n == "wql" else n for n in search["objectives"]]
        kept["search"] = search
    return kept


def _without(tree: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    kept = {name: value for name, value in tree.items() if f"{prefix}{name}" not in MOVED}
    return {
        name: _without(value, f"{prefix}{name}.") if isinstance(value, Mapping) else value
        for name, value in kept.items()
    }
