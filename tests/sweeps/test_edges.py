"""A best value at an edge of its range is named, with the override that moves the edge."""

from __future__ import annotations

import re
from typing import Any

import pytest

from restock.settings.base import picked
from restock.settings.search import Dimension
from restock.sweeps.edges import edge_notes
from restock.sweeps.spec import SearchRecipe
from support.builders import settings

SPACE = {
    "units": {"path": "model.units", "kind": "int", "low": 16, "high": 96, "step": 16},
    "rate": {
        "path": "training.learning_rate", "kind": "float", "low": 5e-4, "high": 2e-2, "log": True,
    },
    "dropout": {"path": "model.dropout", "kind": "float", "low": 0.0, "high": 0.4, "step": 0.1},
    "size": {"path": "training.batch_size", "kind": "categorical", "choices": [32, 64]},
}  # fmt: skip
MIDDLE = {
    "model.units": 48, "training.learning_rate": 3e-3, "model.dropout": 0.2,
    "training.batch_size": 32,
}  # fmt: skip


def notes(**best: Any) -> list[str]:
    recipe = picked(SearchRecipe, settings().model_dump(mode="json"), "test")
    space = {name: Dimension.model_validate(value) for name, value in SPACE.items()}
    values = {**MIDDLE, **{name.replace("__", "."): value for name, value in best.items()}}
    return list(edge_notes(recipe, space, values))


def test_a_best_value_inside_its_range_needs_no_note() -> None:
    assert notes() == []


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ({"model__units": 96}, "high end of its range, 16 to 96. .*search.space.units.high=128"),
        ({"training__learning_rate": 1.9e-2}, "search.space.rate.high=0.04"),
        ({"training__learning_rate": 5.2e-4}, "low end .*search.space.rate.low=0.00025"),
        ({"model__dropout": 0.4}, "search.space.dropout.high=0.6"),
    ],
)
def test_a_best_value_at_an_edge_is_named_with_the_override(
    best: dict[str, Any], said: str
) -> None:
    (note,) = notes(**best)
    assert re.search(said, note)


def test_an_edge_that_no_setting_may_pass_is_none() -> None:
    assert notes(model__dropout=0.0) == []  # a dropout cannot be negative
