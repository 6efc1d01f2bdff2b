"""The tuning loop: our ask, run, tell over a real Optuna study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from restock.config import SearchSettings
from restock.errors import ConfigError
from restock.tracking.memory import MemoryTracker
from restock.tuning.optuna.sampler import OptunaSampler
from restock.tuning.results import Outcome
from restock.tuning.study import Report, SweepError, run_study
from support.quiet import QuietConsole

SPACE = {
    "units": {"path": "model.units", "kind": "int", "low": 4, "high": 64},
    "dropout": {"path": "model.dropout", "kind": "float", "low": 0.0, "high": 0.5, "step": 0.1},
    "size": {"path": "training.batch_size", "kind": "categorical", "choices": [32, 64]},
}
CONFIGURED = {"model.units": 20, "model.dropout": 0.1, "training.batch_size": 64}


def search(**changes: object) -> SearchSettings:
    return SearchSettings.model_validate({"name": "s", "num_trials": 12, "space": SPACE, **changes})


def bowl(values: dict[str, Any], report: Report) -> Outcome:
    """Lowest at 40 units; falls a little each epoch."""
    distance = abs(values["model.units"] - 40) / 40 + values["model.dropout"]
    curve = [distance + 1 / (epoch + 1) for epoch in range(6)]
    for epoch, value in enumerate(curve):
        report(epoch, value)
    return Outcome(curve[-1], 6, tuple(curve), (tuple(curve),))


def study(objective: Any = bowl, seed: int = 1, **changes: object):  # type: ignore[no-untyped-def]
    settings = search(**changes)
    tracker = MemoryTracker()
    sampler = OptunaSampler(settings, CONFIGURED, seed)
    result = run_study(
        sampler, objective, settings, seed=seed, tracker=tracker, console=QuietConsole()
    )
    return result, tracker, sampler


def test_the_configured_values_are_the_first_trial() -> None:
    result, _, _ = study()
    assert result.trials[0].values == CONFIGURED


def test_the_same_seed_repeats_the_whole_sweep() -> None:
    assert study()[0] == study()[0]
    assert study()[0] != study(seed=2)[0]


def test_bad_trials_are_pruned_and_never_best() -> None:
    result, tracker, _ = study(num_trials=20, num_startup_trials=3, num_warmup_epochs=1)
    pruned = [trial for trial in result.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.outcome is not None and len(trial.outcome.curve) < 6 for trial in pruned)
    assert result.best.state == "complete"
    states = [run.tags["restock.state"] for run in tracker.children]
    assert states == [trial.state for trial in result.trials]


def test_every_trial_is_a_nested_run_with_its_curve() -> None:
    _, tracker, _ = study(pruner="none")
    assert len(tracker.children) == 12
    assert all(len(run.metrics["wql"]) == 6 for run in tracker.children)
    assert tracker.children[0].params == CONFIGURED


def test_a_failed_trial_is_told_and_the_sweep_goes_on() -> None:
    def flaky(values: dict[str, Any], report: Report) -> Outcome:
        if values["training.batch_size"] == 32:
            raise MemoryError("no room")
        return bowl(values, report)

    result, tracker, sampler = study(flaky, max_identical_failures=12, num_trials=16)
    failed = [trial for trial in result.trials if trial.state == "failed"]
    assert failed
    assert failed[0].error == "MemoryError: no room"
    assert sampler.study.trials[failed[0].number].state.name == "FAIL"
    statuses = [run.status for run in tracker.children]
    assert statuses == ["FAILED" if t.state == "failed" else "FINISHED" for t in result.trials]


def test_the_same_failure_again_and_again_stops_the_sweep() -> None:
    def broken(values: dict[str, Any], report: Report) -> Outcome:
        raise ValueError("shape")

    with pytest.raises(SweepError, match=r"3 trials in a row failed alike: ValueError: shape"):
        study(broken)


def test_values_outside_their_own_range_are_refused() -> None:
    narrow = {**SPACE, "units": {"path": "model.units", "kind": "int", "low": 32, "high": 64}}
    with pytest.raises(ConfigError, match=r"model\.units=20 lies outside search\.space\.units"):
        study(space=narrow)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("model.unit", "Did you mean 'model.units'"),
        ("features.seasonal_lag", "cannot be swept"),
        ("evaluation.horizon", "cannot be swept"),
    ],
)
def test_only_known_paths_of_the_model_and_its_training_can_be_swept(
    path: str, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        search(space={"x": {"path": path, "kind": "int", "low": 1, "high": 4}})


def test_a_configured_value_off_the_grid_is_refused() -> None:
    stepped = {"path": "model.units", "kind": "int", "low": 16, "high": 64, "step": 16}
    with pytest.raises(ConfigError, match=r"model\.units=20 lies outside"):
        study(space={**SPACE, "units": stepped})


def test_the_study_is_drawn(tmp_path: Path) -> None:
    _, _, sampler = study()
    names = {path.name for path in sampler.plot(tmp_path)}
    assert names == {"history.png", "importances.png", "parallel_coordinate.png", "slice.png"}
    assert all((tmp_path / name).stat().st_size > 5000 for name in names)
