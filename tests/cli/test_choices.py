"""A group or a choice that is not there: the nearest first, then all of them, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.typed import ROOT, restock

DATA = ROOT / "conf/data"


def refused(*arguments: str, cwd: Path = ROOT) -> str:
    """Type a train command, and return the message that it ends with."""
    done = restock("train", *arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in ("search path", "provider=", "Could not", "defaults list", "pkg://"):
        assert word not in done.stderr
    return done.stderr.removeprefix("restock train: error: ").strip()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder for --config-dir."""
    for name, text in {
        "data/shop_sales.yaml": "defaults: [base, _self_]\n",
        "data/broken.yaml": "defaults: [bass, _self_]\n",
        "experiment/summer.yaml": "# @package _global_\ndefaults:\n  - override /dta: base\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_choice_near_a_known_one() -> None:
    assert refused("data=onlin_retail").splitlines() == [
        "no choice 'onlin_retail' for data. Did you mean 'online_retail'? The choices:",
        f"  base, online_retail (in {DATA})",
        "For one of your own, write DIR/data/NAME.yaml and add --config-dir DIR.",
    ]


def test_a_choice_near_none() -> None:
    assert refused("experiment=zzz").splitlines() == [
        "no choice 'zzz' for experiment. The choices:",
        f"  all_products, eight_weeks (in {ROOT}/conf/experiment)",
        "For one of your own, write DIR/experiment/NAME.yaml and add --config-dir DIR.",
    ]


def test_a_choice_in_a_group_within_a_group() -> None:
    said = refused("search/tuner=kears")
    assert "no choice 'kears' for search/tuner. Did you mean 'keras_tuner'?" in said


def test_a_choice_near_one_in_the_folder_of_ones_own(own: Path) -> None:
    assert refused("--config-dir", str(own), "data=shop_sale").splitlines() == [
        "no choice 'shop_sale' for data. Did you mean 'shop_sales'? The choices:",
        f"  base, online_retail (in {DATA})",
        f"  broken, shop_sales (in {own}/data)",
        f"For one of your own, write {own}/data/NAME.yaml.",
    ]


def test_a_choice_that_a_file_starts_from(own: Path) -> None:
    said = refused(f"--config-dir={own}", "data=broken")
    assert said.startswith(
        "no choice 'bass' for data (data/broken.yaml asks for it). Did you mean 'base'?"
    )


def test_one_choice_of_a_multirun(tmp_path: Path) -> None:
    said = refused("-m", "model=lstm,gru", cwd=tmp_path)  # Hydra makes a folder for its jobs
    assert said.startswith("no choice 'gru' for model. The choices:")


@pytest.mark.parametrize(
    ("typed", "near"),
    [("experimnt", "experiment"), ("dta", "data"), ("searc/tuner", "search/tune")],
)
def test_an_unknown_group(typed: str, near: str) -> None:
    first, groups, advice = refused(f"{typed}=x").splitlines()
    assert first.startswith(f"no group and no setting {typed!r}. Did you mean '{near}")
    assert groups.startswith("  data, debug, engine, evaluation, experiment, ")
    assert groups.endswith(f" (in {ROOT}/conf)")
    assert "--config-dir DIR" in advice


def test_an_unknown_group_that_a_file_asks_for(own: Path) -> None:
    said = refused("--config-dir", str(own), "experiment=summer")
    assert "no group and no setting 'dta' (experiment/summer.yaml asks for it)." in said
    assert f"  data, experiment (in {own})" in said


@pytest.mark.parametrize("typed", ["null", "2024", "true"])
def test_a_choice_that_is_no_name(typed: str) -> None:
    said = refused("model=lstm", f"data={typed}")
    assert said.startswith(f"data={typed}: the choice of a group must be a name")
    assert "\"data='2024'\"" in said


def test_an_unknown_main_file() -> None:
    assert refused("--config-name", "confg") == f"no confg.yaml in {ROOT}/conf."


def test_a_setting_that_conf_leaves_open() -> None:
    said = refused("data.columns.known_future=[offer]")
    assert said == (
        "the configuration gives data.columns.known_future no value that could be overridden. "
        "To add one, write a plus before it: +data.columns.known_future=VALUE."
    )
