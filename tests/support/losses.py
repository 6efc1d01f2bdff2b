"""Losses of models on made-up test folds."""

from __future__ import annotations

from typing import Any

import numpy as np

from restock.champions.losses import Losses
from restock.champions.verdict import Candidate

INPUTS = {"frequency": "W-SUN", "horizon": 4, "levels": [0.1, 0.9], "columns": {"static": []}}


def losses(name: str, loss: np.ndarray, **others: np.ndarray) -> Losses:
    """Losses of shape (series, origins) beside a demand of 10 each, unless it is given."""
    ones = np.ones(loss.shape)
    matrices = {
        "origin": ones * np.arange(1, loss.shape[1] + 1),
        "demand": 10 * ones,
        "error": 0 * ones,
        "points": 5 * ones,
        "inside_80": 4 * ones,
        "cost": ones,
        "cost_demand": 10 * ones,
    }
    series = np.array([f"s{number:04d}" for number in range(len(loss))], dtype=object)
    return Losses(name, series, loss=loss, **{**matrices, **others})


def candidate(name: str, loss: np.ndarray, **others: Any) -> Candidate:
    """A candidate whose bundle is called as the model."""
    facts = {"latency": 1.0, "size": 1_000_000, "inputs": INPUTS}
    own = {key: others.pop(key) for key in tuple(others) if key in facts}
    return Candidate(bundle=name, losses=losses(name, loss, **others), **(facts | own))
