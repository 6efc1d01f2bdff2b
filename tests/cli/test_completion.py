"""What Tab offers, without a shell: see tests/integration for real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from restock.champions.moves import Move, mirror_of
from restock.cli.commands import COMMANDS
from restock.cli.completion import offered
from restock.sweeps.places import STUDY_FILE
from support.studies import launched


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two sweeps, and a model whose versions 2 and 10 have been champion."""
    folder = tmp_path_factory.mktemp("filled")
    for name in ("small", "smart"):
        launched(f"sqlite:///{folder / STUDY_FILE}", name=name).opened.close()
    mirror_of(folder, "m").append([
        Move(1, "promote", None, "2", "first"),
        Move(2, "promote", "2", "10", "better"),
        Move(3, "by hand", "10", None, "taken away"),
    ])  # fmt: skip
    return folder


@pytest.fixture
def here(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(filled)
    return filled


def test_commands() -> None:
    assert offered([""]) == sorted([*COMMANDS, "help"])
    assert offered(["pr"]) == ["prepare", "promote"]
    assert offered(["--"]) == ["--help", "--version"]
    assert offered(["help", "ca"]) == ["card"]
    assert offered(["nonsense", ""]) == []


def test_flags_of_a_command_that_were_not_typed_yet() -> None:
    assert offered(["history", "--r"]) == ["--refresh"]
    assert offered(["rollback", "--refresh", "--r"]) == []
    assert offered(["promote", "--dry-run", "--d"]) == []
    shared = ["--cfg", "--config-dir", "--help", "--multirun", "--params"]
    assert offered(["tune", "-"]) == sorted([*shared, "--dry-run"])
    assert offered(["params", "--"]) == ["--check", "--help"]


@pytest.mark.parametrize("command", ["resume", "stop", "compare", "promote"])
def test_names_of_sweeps(command: str, here: Path) -> None:
    small, smart = offered([command, ""])
    assert re.fullmatch(r"small-\w{8}", small)
    assert re.fullmatch(r"smart-\w{8}", smart)
    assert offered([command, "smal"]) == [small]


def test_a_second_sweep_to_compare_is_another_one(here: Path) -> None:
    small, smart = offered(["compare", ""])
    assert offered(["compare", small, ""]) == [smart]
    assert offered(["resume", small, "sma"]) == []  # it takes one


@pytest.mark.parametrize("words", [["card"], ["diff"], ["rollback", "--to"]])
def test_versions_that_were_champion(words: list[str], here: Path) -> None:
    assert offered([*words, ""]) == ["10", "2"]
    assert offered([*words, "1"]) == ["10"]


def test_a_second_version_is_another_one(here: Path) -> None:
    assert offered(["diff", "2", ""]) == ["10"]


def test_a_path_after_a_flag_that_takes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_conf/data").mkdir(parents=True)
    (tmp_path / "params.yaml").touch()
    assert offered(["train", "--params", ""]) == ["my_conf/", "params.yaml"]
    assert offered(["train", "--config-dir", "my"]) == ["my_conf/"]
    assert offered(["train", "--config-dir", "./my_conf/"]) == ["./my_conf/data/"]
    assert offered(["train", "--params", "nowhere/"]) == []
    assert offered(["train", "--cfg", ""]) == ["job"]


def test_where_nothing_is_kept_nothing_is_offered_or_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["resume"], ["compare"], ["diff"], ["rollback", "--to"], ["explain"]):
        assert offered([*words, ""]) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no database at all" * 99])
def test_a_store_that_cannot_be_read_offers_nothing(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / STUDY_FILE).write_bytes(content)
    assert offered(["resume", ""]) == []
