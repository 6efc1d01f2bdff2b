"""What the command line says of itself: every command, and each on its own."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from restock.cli.arguments import parse
from restock.cli.command import Command
from restock.cli.commands import COMMANDS, GROUPS, TABLE
from restock.cli.help import command_usage, usage
from restock.cli.kinds import ConfCommand, StageCommand
from restock.cli.main import main
from restock.settings.base import paths
from restock.settings.tree import Settings
from restock.stages.pipeline import PIPELINE

ROOT = Path(__file__).parents[2]
each = pytest.mark.parametrize("command", TABLE, ids=[command.name for command in TABLE])


def test_commands_stand_below_their_group_in_the_order_of_the_table() -> None:
    lines = usage().splitlines()
    places = [lines.index(f"{title}:") for title in GROUPS.values()]
    assert places == sorted(places)
    listed = [line.split()[0] for line in lines[places[0] :] if line.startswith("  ")]
    assert listed[: len(TABLE)] == [command.name for command in TABLE]
    assert {command.group for command in TABLE} == set(GROUPS)


def test_every_stage_is_a_command_and_the_other_way_round() -> None:
    assert [c.name for c in TABLE if isinstance(c, StageCommand)] == list(PIPELINE)


def test_every_module_of_a_command_is_in_the_table() -> None:
    modules = {path.stem for path in (ROOT / "src/restock/commands").glob("*.py")}
    others = {"__init__", "arguments", "views", "preflight"}  # of which `tune --dry-run` is one
    typed = {c.name for c in TABLE if not isinstance(c, StageCommand | ConfCommand)}
    assert modules - others == typed
    for name in typed:
        assert importlib.util.find_spec(f"restock.commands.{name}") is not None


@each
def test_the_help_of_a_command_shows_its_usage_flags_settings_and_examples(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command.name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: restock {command.name} ")
    for flag in command.flags:
        assert f"\n  {flag.name}" in said
    if not isinstance(command, ConfCommand):
        for group in command.settings().model_fields:
            assert group in Settings.model_fields
            assert f"\n  {group} " in said
    assert "None" not in said
    assert said.splitlines()[-2:] == [f"  {line}" for line in command.examples]
    assert main(["help", command.name]) == 0
    assert capsys.readouterr().out == said


@each
def test_the_examples_of_a_command_are_taken_apart_as_such(command: Command) -> None:
    for line in command.examples:
        program, name, *words = shlex.split(line)
        assert (program, name) == ("restock", command.name)
        if not isinstance(command, ConfCommand):
            parse(command, words)


def test_every_override_in_an_example_is_a_setting() -> None:
    known = {*paths(Settings), "experiment"}
    for command in TABLE:
        for line in command.examples:
            for word in shlex.split(line)[2:]:
                if "=" in word and not word.startswith("-"):
                    assert word.split("=", 1)[0] in known, line


def test_the_help_of_an_unknown_command_names_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["help", "trian"]) == 2
    assert "no command 'trian'. Did you mean 'train'?" in capsys.readouterr().err


def test_a_commands_help_needs_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from restock.cli.main import main\n"
        "for name in sys.argv[1:]: assert main([name, '--help']) == 0\n"
        "heavy = {'hydra', 'pandas', 'mlflow', 'tensorflow', 'rich', 'optuna', 'sklearn'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", code, *COMMANDS], capture_output=True, check=True)


@each
def test_the_usage_of_a_command_fits_a_terminal(command: Command) -> None:
    assert max(map(len, command_usage(command).splitlines())) <= 130
