"""What the pages show at a prompt, in `console` blocks.

Every `restock` line is taken apart, and its settings are composed and checked as they would be,
but most are not run: they train, ask a server or need what an earlier command has made. Run are
the lines that need nothing: `--help`, `--version`, `params --check`, `--cfg job`, and the mistakes
that are found before anything is computed. Of the lines of other programs the program is looked
up, and the target of a `make`.
"""

from __future__ import annotations

import re
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest

from consoles import ROOT, Line, agrees, files, lines, of
from restock.cli.arguments import parse
from restock.cli.command import PARAMS, Command, Typed
from restock.cli.commands import find
from restock.cli.compose import Job, compose
from restock.cli.kinds import TypedCommand
from restock.cli.main import main
from restock.errors import RestockError
from restock.settings.tree import load_params

RESTOCK = of("restock")
HELP = {"--help", "-h", "help", "--version"}
OWN_DATA = "docs/own-data.md"
# Mistakes that only show when a command runs, on what it finds there: the others of their page
# are repeated here, these are only taken apart and composed.
FOUND_WHEN_RUN: set[str] = set()
# Programs that the project brings, and those that a reader has or is told to get.
OURS = {"restock", "dvc", "mlflow", "pytest", "python"}
READERS = {"make", "bash", "git", "cd", "cp", "cat", "ls", "export", "source", "curl", "docker"}
READERS |= {"pip", "ray", "optuna-dashboard", "ssh"}


def asks_for_help(line: Line) -> bool:
    return bool(HELP & set(line.words)) or line.words == ("restock",)


def is_run(line: Line) -> bool:
    return asks_for_help(line) or "--cfg" in line.words or line.words[1:] == ("params", "--check")


def taken_apart(line: Line) -> tuple[Command, Typed]:
    command = find(line.words[1])
    return command, parse(command, line.words[2:])


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the files that the line's page says to write, as working folder."""
    line: Line = request.getfixturevalue("line")
    for name, text in files(line.page).items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@cache
def composed(page: str, arguments: tuple[str, ...]) -> tuple[Job, ...]:
    """Compose settings in the working folder, once for all lines that say the same.

    Args:
        page: Whose files they need; empty: none's.
        arguments: Hydra's flags and the overrides.
    """
    jobs: list[Job] = []
    compose("train", arguments, jobs.append)
    return tuple(jobs)


def check(line: Line, folder: Path) -> None:
    """Do what comes before a command is run: take the line apart, compose and check."""
    command, typed = taken_apart(line)
    if not isinstance(command, TypedCommand):
        return
    if PARAMS.name in typed.flags:
        load_params(ROOT / typed.flags[PARAMS.name])
        return
    own_conf = "--config-dir" in typed.hydra
    if own_conf:
        add_table(typed, folder)
    arguments = (*typed.hydra, *command.first, *typed.overrides)
    jobs = composed(line.page if own_conf else "", arguments)
    assert jobs
    assert typed.multirun or len(jobs) == 1
    for job in jobs:
        command.check(job)


def add_table(typed: Typed, folder: Path) -> None:
    """Where a line names any table of one's own, take the one of the page about them."""
    here = typed.hydra[typed.hydra.index("--config-dir") + 1]
    choices = [word.removeprefix("data=") for word in typed.overrides if word.startswith("data=")]
    for choice in choices:
        place = folder / here / "data" / f"{choice}.yaml"
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(next(iter(files(OWN_DATA).values())))


def line_of(line: str, shown: str = "") -> Line:
    return Line(OWN_DATA, 0, tuple(line.split()), shown)


# Whatever the pages show, these are run.
ALWAYS = [
    line_of(
        "restock --help", "usage: restock COMMAND ...\n...\nTab completion: ...  (or install=zsh)"
    ),
    line_of(
        "restock train --help", "usage: restock train [flags] [overrides]\n...\nexamples:\n..."
    ),
    line_of("restock params --check", "params: params.yaml is what conf/ composes to"),
    line_of("restock train model.units=96 --cfg job", "...\nmodel:\n  ...\n  units: 96\n..."),
]
NEVER_RIGHT = [
    line_of("restock trian", "restock trian: error: no command 'trian'. Did you mean 'train'? ..."),
    line_of("restock train --dry", "restock train: error: restock train has no flag '--dry'. ..."),
    line_of(
        "restock train model.unit=96",
        "restock train: error: no setting 'model.unit'. Did you mean 'model.units'? ...",
    ),
    line_of(
        "restock train model.units=0",
        "restock train: error: configuration: 1 setting(s) cannot be used:\n  model.units: ...",
    ),
]
valid = [line for line in RESTOCK if not line.fails and not is_run(line)]
run = [line for line in RESTOCK if is_run(line) and not line.fails]
mistakes = [line for line in RESTOCK if line.fails]


@pytest.mark.parametrize("line", valid, ids=str)
def test_a_restock_line_is_taken_apart_and_its_settings_are_composed(
    line: Line, folder: Path
) -> None:
    check(line, folder)


@pytest.mark.parametrize("line", [*ALWAYS, *run], ids=str)
def test_a_line_that_needs_nothing_says_what_the_page_shows(
    line: Line, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(line.words[1:]) == 0
    said = capsys.readouterr()
    assert not line.shown.strip() or agrees(line.shown, said.out + said.err)


@pytest.mark.parametrize("line", [*NEVER_RIGHT, *mistakes], ids=str)
def test_a_mistake_is_answered_as_the_page_shows(line: Line, folder: Path) -> None:
    message = ""
    try:
        check(line, folder)
    except RestockError as error:
        message = f"restock {line.words[1]}: error: {error}"
    if message:
        assert agrees(line.shown, message)
    else:
        said = " ".join(line.words)
        assert said in FOUND_WHEN_RUN, f"{line}: is no mistake until it runs; list it if it is then"


def test_pages_show_each_way_to_call_restock() -> None:
    assert len(valid) > 80
    assert any("-m" in line.words for line in valid)
    assert any("--config-dir" in line.words for line in valid)


@pytest.mark.parametrize("program", sorted({line.words[0] for line in lines()}))
def test_a_program_is_there_or_the_readers_own(program: str) -> None:
    assert program in OURS | READERS
    if program in OURS:
        beside = Path(sys.executable).parent
        assert shutil.which(program, path=str(beside)) or shutil.which(program)


def test_a_target_of_make_and_a_script_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in of("make"):
        assert {word for word in line.words[1:] if "=" not in word} <= targets, line
    for line in of("bash"):
        assert (ROOT / line.words[1]).is_file(), line


@pytest.mark.parametrize(
    ("shown", "said", "agreed"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("best is 2: ...", "best is 2: wql 0.48", True),
        ("a\n…", "a\nb\nc", True),
        ("a", "a\nb", False),
        ("a\n...\nd", "a\nb\nc", False),
    ],
)
def test_what_is_left_out_of_a_page_stands_for_anything(
    shown: str, said: str, agreed: bool
) -> None:
    assert agrees(shown, said) == agreed
