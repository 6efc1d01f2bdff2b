"""Settings classes in general: views, paths, replacing, and what is said of a wrong key."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import pytest
from pydantic import Field

from restock.errors import ConfigError
from restock.settings.base import (
    Frozen,
    View,
    checked,
    leaves,
    masked,
    narrowed,
    paths,
    picked,
    replace_at,
)
from restock.settings.earlier import MOVED, readable
from restock.settings.recipe import Recipe, sweepable_paths
from restock.settings.tree import Settings, parse_settings
from support.builders import settings


class Sea(Frozen):
    kind: Literal["sea"] = "sea"
    port: str


class Road(Frozen):
    kind: Literal["road"]
    trucks: int


class Order(Frozen):
    way: Annotated[Sea | Road, Field(discriminator="kind")]
    days: int
    cost: float = 1.0


class Whole(Frozen):
    order: Order
    seed: int


class Days(View):
    days: int


class Part(View):
    order: Days


TREE = {"order": {"way": {"kind": "road", "trucks": 2}, "days": 3}, "seed": 7}


def test_a_view_has_its_part_of_checked_settings_and_nothing_beside_it() -> None:
    whole = checked(Whole, TREE, "test")
    assert narrowed(Part, whole).model_dump() == {"order": {"days": 3}}
    assert narrowed(Whole, whole) == whole


def test_a_view_is_picked_out_of_a_plain_tree_and_checked() -> None:
    assert picked(Part, TREE, "test").order.days == 3
    with pytest.raises(ConfigError, match=r"order\.days: Input should be a valid integer"):
        picked(Part, {"order": {"days": "three"}}, "test")
    other = {"order": {"days": 3, "way": "no business of the view's"}, "new_group": {}}
    assert picked(Part, other, "test").order.days == 3


def test_a_wrong_key_of_one_kind_is_named_without_the_tag() -> None:
    with pytest.raises(ConfigError, match=r"  order\.way\.truck: unknown .*order\.way\.trucks"):
        checked(Whole, {"order": {"way": {"kind": "road", "truck": 2}, "days": 3}}, "test")


def test_the_paths_of_all_kinds_are_known() -> None:
    assert {"order.way.port", "order.way.trucks", "order.days", "seed"} <= set(paths(Whole))


def test_a_replaced_value_is_checked_and_an_unknown_path_names_the_nearest() -> None:
    whole = checked(Whole, TREE, "test")
    assert replace_at(whole, {"order.days": 4}).order.days == 4
    with pytest.raises(ConfigError, match=r"no setting 'order\.day'.*order\.days"):
        replace_at(whole, {"order.day": 4})
    with pytest.raises(ConfigError, match="valid integer"):
        replace_at(whole, {"order.days": "four"})


def test_leaves_and_masked_passwords() -> None:
    assert dict(leaves({"a": {"b": 1, "c": {}}, "d": [2]})) == {"a.b": 1, "a.c": {}, "d": [2]}
    url = {"url": "postgresql://ann:secret@host/db", "more": ["no password"]}
    assert masked(url) == {"url": "postgresql://ann:***@host/db", "more": ["no password"]}


@pytest.mark.parametrize(("before", "said"), MOVED.items())
def test_a_setting_of_earlier_versions_is_refused_with_what_replaces_it(
    before: str, said: str
) -> None:
    assert before not in paths(Settings)
    tree = settings().model_dump()
    *groups, name = before.split(".")
    node = tree
    for group in groups:
        node = node[group]
    node[name] = ";"
    with pytest.raises(ConfigError, match=re.escape(f"{before}: unknown setting. {said}")):
        parse_settings(tree, where="test")


@pytest.mark.parametrize("said", MOVED.values())
def test_what_replaces_a_setting_is_one(said: str) -> None:
    named = re.match(r"It is (\S+) now", said)
    assert named is None or named[1].rstrip(",") in paths(Settings)


def test_what_a_search_may_change_is_a_path_into_the_recipe() -> None:
    assert set(sweepable_paths()) <= set(paths(Recipe)) <= set(paths(Settings))
    assert "model.units" in sweepable_paths()
    assert not {path for path in sweepable_paths() if path.startswith(("data", "inventory"))}


def test_a_recipe_for_a_notebook_suits_the_frequency_and_is_checked() -> None:
    daily = Recipe.suited_to("D", model={"units": 8})
    assert (daily.features.seasonal_lag, daily.evaluation.baselines.seasonal_period) == (7, 7)
    assert daily.model.units == 8
    with pytest.raises(ConfigError, match=r"recipe: .*\n  model\.unit: unknown"):
        Recipe.suited_to("D", model={"unit": 8})


def test_what_was_decided_before_there_was_a_choice_of_loss_was_decided_by_wql() -> None:
    stored = {"evaluation": {"horizon": 4}, "training": {}}
    assert readable(stored)["evaluation"] == {"horizon": 4, "loss": "wql"}
    stored["evaluation"]["loss"] = "sql"
    assert readable(stored)["evaluation"]["loss"] == "sql"
