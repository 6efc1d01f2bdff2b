"""The generated pages: as the code is, whole, and without what is gone."""

from __future__ import annotations

from pathlib import Path

import griffe
import pytest

import command_pages
import generate
import links
import reference_pages
from restock.cli.commands import TABLE
from restock.settings.base import classes, paths
from restock.settings.tree import Settings


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return generate.pages()


def test_the_pages_in_docs_are_what_the_code_says(pages: dict[str, str]) -> None:
    assert generate.differences(pages, generate.DOCS) == {}


def test_every_command_has_a_page_and_a_line_in_the_list(pages: dict[str, str]) -> None:
    for command in TABLE:
        assert f"\n| [`restock {command.name}`]({command.name}.md) |" in pages["commands/index.md"]
        page = pages[f"commands/{command.name}.md"]
        for flag in command.all_flags():
            assert f"| `{f'{flag.name} {flag.value}'.strip()}` |" in page
        for example in command.examples:
            assert f"\n$ {example}\n" in page
    assert command_pages.ALSO.keys() <= {command.name for command in TABLE}


def test_every_key_of_the_settings_has_a_heading_on_the_page_of_its_group(
    pages: dict[str, str],
) -> None:
    for path in paths(Settings):
        group, _, key = path.partition(".")
        if key:
            assert f"# `{path}`\n" in pages[f"settings/{group}.md"], path
        elif classes(Settings.model_fields[group].annotation):
            assert f"[`{group}`]({group}.md)" in pages["settings/index.md"]
        else:
            assert f"## `{path}`\n" in pages["settings/index.md"]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        # A number with limits, a choice, a rhythm, a reference and a value for notebooks.
        ("model", "## `model.num_layers`\n\nWhole number at least 1 and at most 8; default `1`.\n"),
        ("engine", "`local` or `ray`; default `local`.\n"),
        ("features", "default `null`, which is `[1, 2, 4]` for weekly data.\n"),
        ("inventory", "Text or `null`; default `Price`, from `data.price`.\n"),
        ("features", " in `conf/`, `[day, week, month, quarter]` in a notebook.\n"),
        # The default is that of any table; the value of the one in the main job stands behind it.
        ("data", "default `null`; `data=online_retail`: `zero_from_start`.\n"),
        # Kinds, and files that conf/config.yaml does not choose.
        ("search", "### `search.tuner.oracle`\n\n`random`, `bayesian` or `hyperband`; "),
        ("search", "Only for `keras_tuner`.\n"),
        ("search", "### `search/tuner=keras_tuner`\n\n```yaml\n"),
        ("model", "### `model=lstm_counts`\n\n```yaml\n"),
    ],
)
def test_a_key_says_what_it_takes_and_its_default(
    pages: dict[str, str], group: str, said: str
) -> None:
    assert said in pages[f"settings/{group}.md"]


def test_a_key_names_its_readers_where_they_are_not_those_of_its_group(
    pages: dict[str, str],
) -> None:
    group, *keys = pages["settings/engine.md"].split("\n## ")
    said = {key.split("`")[1]: key for key in keys}
    for name in ("train", "tune"):
        assert f"[`{name}`](../commands/{name}.md)" in group
    assert "Read by" not in said["engine.num_threads"]  # by all that read any key of the group
    assert "[`tune`](../commands/tune.md)" in said["engine.num_workers"]
    assert "(../commands/train.md)" not in said["engine.num_workers"]


def test_the_library_shows_what_its_page_imports_and_what_that_returns(
    pages: dict[str, str],
) -> None:
    index = pages["reference/index.md"]
    for path in reference_pages.named(reference_pages.LIBRARY.read_text()):
        name = path.rpartition(".")[2]
        elsewhere = path in reference_pages.settings_places()
        assert elsewhere or f"[`{name}`](" in index, path
    assert "[`DemandForecast`](" in index  # of Bundle.predict
    assert "| `int` | Periods after the origin, H. |" in pages["reference/types-panel.md"]
    assert "| If rows cannot be used" in pages["reference/data-clean.md"]


def test_a_paragraph_of_a_docstring_is_no_code(pages: dict[str, str]) -> None:
    for path, page in pages.items():
        assert "\n    " not in links.FENCE.sub("", page), path


def test_a_page_that_differs_is_missing_or_of_nothing_is_named_and_mended(tmp_path: Path) -> None:
    expected = {"commands/run.md": "run", "settings/model.md": "model", "reference/index.md": "i"}
    for name, text in {
        "commands/run.md": "old",
        "commands/gone.md": "",
        "settings/x.md": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "ideas.md").write_text("nobody generates this")
    assert generate.differences(expected, tmp_path) == {
        "commands/gone.md": "belongs to nothing that is there",
        "commands/run.md": "differs",
        "reference/index.md": "is missing",
        "settings/model.md": "is missing",
        "settings/x.md": "belongs to nothing that is there",
    }
    generate.write(expected, tmp_path)
    assert generate.differences(expected, tmp_path) == {}
    assert (tmp_path / "ideas.md").is_file()


def test_a_check_fails_and_says_what_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    monkeypatch.setattr(generate, "pages", lambda: {"commands/run.md": "run"})
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    assert generate.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("docs/commands/run.md is missing.\nRun `python docs/generate.py`")
    monkeypatch.setattr("sys.argv", ["generate.py"])
    assert generate.main() == 0
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    assert generate.main() == 0


def test_a_signature_that_is_long_stands_one_argument_a_line() -> None:
    code = "def short(a: int, *, b: str = 'x', **rest: int) -> int: ...\n"
    code += f"def long({'a' * 60}: int, {'b' * 60}: int = 1): ...\n"
    module = griffe.visit("made", filepath=Path("made.py"), code=code)
    short, long = module["short"], module["long"]
    assert reference_pages.signature(short) == [
        "short(a: int, *, b: str = 'x', **rest: int) -> int"
    ]
    assert reference_pages.signature(long)[1:] == [
        f"    {'a' * 60}: int,",
        f"    {'b' * 60}: int = 1,",
        ")",
    ]
