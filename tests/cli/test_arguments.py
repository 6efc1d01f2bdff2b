"""What is typed after a command, taken apart."""

from __future__ import annotations

import pytest

from restock.cli import arguments as taken
from restock.cli.command import Typed
from restock.cli.commands import find
from restock.errors import UserError


def parse(command: str, words: list[str]) -> Typed:
    return taken.parse(find(command), words)


def test_overrides_stand_on_both_sides_of_flags() -> None:
    typed = parse("train", ["a=1", "-cd", "my conf", "--cfg", "job", "b=2", "--resolve"])
    assert typed.hydra == ("-cd", "my conf", "--cfg", "job", "--resolve")
    assert typed.overrides == ("a=1", "b=2")


def test_one_string_of_overrides_and_an_empty_one() -> None:
    assert parse("run", ["--overrides", "a=1 'b=x y'"]).overrides == ("a=1", "b=x y")
    assert parse("run", ["--overrides", "''", "c=3"]).overrides == ("c=3",)


def test_names_come_first() -> None:
    assert parse("diff", ["1", "2", "a=1"]) == Typed(("1", "2"), {}, (), ("a=1",))
    assert parse("promote", ["run", "--dry-run"]) == Typed(("run",), {"--dry-run": ""}, (), ())
    assert parse("promote", ["a=1"]) == Typed((), {}, (), ("a=1",))
    assert parse("compare", ["x", "y", "z", "a=1"]).names == ("x", "y", "z")
    assert parse("explain", ["a=b"]).names == ("a=b",)
    assert parse("rollback", ["--to", "3"]).flags == {"--to": "3"}


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("diff", ["1"], "which two versions"),
        ("rerun", [], "which run"),
        ("rollback", ["--to"], "--to needs a value"),
        ("train", ["--dry-run"], "restock tune and restock promote"),
        ("promote", ["--refresh"], "--refresh is for restock history"),
        (
            "promote",
            ["--dryrun"],
            "restock promote has no flag '--dryrun'. Did you mean '--dry-run'",
        ),
        ("train", ["--multi-run"], "Did you mean '--multirun'"),
        ("train", ["-m", "a=1,2", "--cfg=job"], "only one of -m or --multirun, -c or --cfg can"),
    ],
)
def test_what_is_missing_or_not_for_this_command_is_said(
    command: str, arguments: list[str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        parse(command, arguments)
