"""Stages after a real sweep, or after one that could not be."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from restock.errors import ConfigError
from support.builders import table
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
    assert "mix" not in report["models"]  # none was learned
    assert report["why"] == "moving_median forecasts: moving_median 100%"
    assert json.loads((tmp_path / "out/forecast.json").read_text())["model"] == "moving_median"


def test_trials_that_saw_a_sample_leave_the_number_of_steps_to_all_series(tmp_path: Path) -> None:
    search = {
        "name": "tiny", "num_trials": 1, "max_series": 10,
        "space": {"units": {"path": "model.units", "kind": "int", "low": 4, "high": 8}},
    }  # fmt: skip
    chosen = own(tmp_path, search=search, training={"max_steps": 8})
    table(12, 50).to_csv(tmp_path / "own.csv", index=False)
    said = run("fetch prepare featurize tune train", chosen, tmp_path)
    assert any(note.startswith("trials see 10 of 12 series") for note in said)
    tuned = json.loads((tmp_path / "out/tuning.json").read_text())
    assert tuned["num_series"] == 10
    assert len(tuned["study"]["best"]["outcome"]["lengths"]) == 4
    trained = json.loads((tmp_path / "out/train.json").read_text())
    assert trained["steps"] in {1, 2, 4, 8}


def test_the_loss_that_decides_names_what_is_stored(tmp_path: Path) -> None:
    wql = own(tmp_path, evaluation={"loss": "wql", "baselines": {"names": ["naive", "ses"]}})
    said = run("fetch prepare featurize tune train evaluate", wql, tmp_path)
    assert any(note.startswith("best is trial") and ": wql " in note for note in said)
    tuned = json.loads((tmp_path / "out/tuning.json").read_text())
    assert "wql" in tuned
    assert "sql" not in tuned
    assert "wql" in pd.read_csv(tmp_path / "out/tuning_trials.csv")
    trained = json.loads((tmp_path / "out/train.json").read_text())
    assert trained["choice"]["by"] == "wql"
    assert trained["tuning_wql"] > 0
    report = json.loads((tmp_path / "out/metrics.json").read_text())
    assert report["chosen_by"] == "wql"
    assert f"was chosen: wql {trained['tuning_wql']:.4f} on the tuning folds" in report["why"]
    losses = {found["name"]: found["loss"] for found in report["candidates"]}
    assert losses[report["chosen"]] == trained["tuning_wql"]
    assert {"wql", "sql"} <= set(report["models"]["ses"])
