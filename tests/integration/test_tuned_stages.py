"""Stages after a real sweep, or after one that could not be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from restock.errors import ConfigError
from support.stages import own, run


def test_a_tuning_result_of_other_folds_or_values_is_refused(tmp_path: Path) -> None:
    run("fetch prepare featurize tune", own(tmp_path), tmp_path)
    with pytest.raises(ConfigError, match="tuned on other folds"):
        run("train", own(tmp_path, evaluation={"num_tuning_folds": 2}), tmp_path)
    with pytest.raises(ConfigError, match=r"model\.units=5 was given.*replaces it by the tuned"):
        run("train", own(tmp_path, model={"units": 5}), tmp_path)


def test_too_little_history_to_tune_on_is_said_and_everything_else_runs(tmp_path: Path) -> None:
    short = own(tmp_path, num_steps=10, windows={"min_context": 2})
    said = run("fetch prepare featurize tune train evaluate forecast plan", short, tmp_path)
    assert any("0 tuning fold(s) instead of 1" in note for note in said)
    report = json.loads((tmp_path / "out/metrics.json").read_text())
    assert report["chosen"] == "moving_median"
    assert report["candidates"] == []
    assert json.loads((tmp_path / "out/forecast.json").read_text())["model"] == "moving_median"
