"""The tuning loop over a real study, in SQLite; tests/integration has PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from restock.errors import ConfigError, DiskFullError, UnreachableError
from restock.settings.base import classes, tags_of
from restock.settings.engine import EngineSettings
from restock.settings.search import SearchSettings
from restock.sweeps.loop import Report
from restock.sweeps.optuna.plots import plot_study
from restock.sweeps.optuna.proposals import PROPOSERS
from restock.sweeps.optuna.samplers import check_inside, grid_points
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.optuna.summaries import summaries
from restock.sweeps.queue import Claim, SweepError
from restock.sweeps.spec import SweepMismatchError, is_repeatable
from restock.training.outcome import Outcome
from support.builders import settings
from support.cheap_sweep import bowl, measured
from support.queue_contract import QueueContract
from support.studies import (
    CONFIGURED,
    ROUNDS,
    Hold,
    configured,
    frozen,
    launched,
    measure,
    worked,
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optuna.db'}"


class TestQueue(QueueContract):
    """In SQLite."""


def test_the_same_seed_repeats_the_whole_sweep(tmp_path: Path) -> None:
    def values(name: str, seed: int) -> list[dict[str, Any]]:
        tuner = {"name": "optuna", "num_startup_trials": 3}
        hold = launched(f"sqlite:///{tmp_path / name}.db", 5, seed=seed, tuner=tuner)
        worked(hold)
        return [trial.values for trial in hold.result().trials]

    assert values("a", 1) == values("b", 1)
    assert values("a", 1) != values("c", 2)


def test_every_tuner_that_settings_name_proposes_and_no_other() -> None:
    kinds = classes(SearchSettings.model_fields["tuner"].annotation)
    assert sorted(PROPOSERS) == sorted(tag for kind in kinds for tag in tags_of(kind, "name"))


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "qmc"])
def test_samplers_by_name(url: str, sampler: str) -> None:
    hold = launched(url, 6, tuner={"name": "optuna", "sampler": sampler})
    worked(hold)
    values = [tuple(trial.values.values()) for trial in hold.result().trials]
    assert len(set(values)) > 4


def test_a_sampler_that_is_not_installed_says_which_extra(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(**_: object) -> None:
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(optuna.samplers, "GPSampler", missing)
    hold = launched(url, 2, tuner={"name": "optuna", "sampler": "gp"})
    with pytest.raises(ConfigError, match=r"pip install 'restock\[gp\]'"):
        hold.claim("w")


def test_a_grid_tries_every_point_once(url: str) -> None:
    space = {
        "units": {"path": "model.units", "kind": "int", "low": 10, "high": 30, "step": 10},
        "size": {"path": "training.batch_size", "kind": "categorical", "choices": [32, 64]},
    }

    def total(claim: Claim, report: Any, _: object) -> Outcome:
        value = float(sum(claim.values.values()))
        return Outcome.of([measured(0, 1, value)])

    hold = launched(url, 50, tuner={"name": "optuna", "sampler": "grid"}, space=space)
    worked(hold, total)
    found = {tuple(trial.values.values()) for trial in hold.result().trials}
    assert found == {(u, s) for u in (10, 20, 30) for s in (32, 64)}
    assert len(hold.result().trials) == 6


def test_a_grid_of_a_continuous_range_is_refused() -> None:
    rate = {"path": "training.learning_rate", "kind": "float", "low": 1e-4, "high": 1e-2}
    search = SearchSettings.model_validate({"name": "s", "space": {"rate": rate}})
    with pytest.raises(ConfigError, match="a grid needs a step or choices"):
        grid_points(search)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_bad_trials_are_pruned_and_never_best(url: str, pruner: str) -> None:
    tuner = {
        "name": "optuna", "pruner": pruner, "num_startup_trials": 3, "warmup_share": 0.2,
    }  # fmt: skip
    hold = launched(url, 10, tuner=tuner)
    tracker = worked(hold)
    result = hold.result()
    pruned = [trial for trial in result.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.outcome is not None and len(trial.outcome.curve) < ROUNDS for trial in pruned)
    assert result.best.state == "complete"
    states = [run.tags["restock.state"] for run in tracker.children]
    assert states == [trial.state for trial in result.trials]


def test_wilcoxon_compares_the_folds_of_finished_trials(url: str) -> None:
    def many_folds(claim: Claim, report: Report, _: object = None) -> Outcome:
        value = bowl(claim.values, 0)
        folds = [value + 0.01 * fold for fold in range(8)]
        found = measured(0, 1, value, *folds)
        report(found)
        return Outcome.of([found])

    hold = launched(url, 8, tuner={"name": "optuna", "pruner": "wilcoxon"})
    worked(hold, many_folds)
    result = hold.result()
    assert {trial.state for trial in result.trials} == {"complete", "pruned"}
    assert all(trial.outcome is not None for trial in result.trials)


def test_several_objectives_give_a_pareto_set_and_are_not_pruned(url: str) -> None:
    def two(claim: Claim, report: Report, _: object = None) -> Outcome:
        value = bowl(claim.values, 0)
        found = measured(0, 1, value)
        report(found)
        scores = {"loss": value, "size": float(claim.values["model.units"])}
        return replace(Outcome.of([found]), scores=scores)

    tuner = {"name": "optuna", "sampler": "tpe", "pruner": "none"}
    hold = launched(url, 8, objectives=["loss", "size"], tuner=tuner)
    worked(hold, two)
    front = hold.study.best_trials
    assert 1 <= len(front) < 8
    assert hold.result().best.scores[0] == min(t.scores[0] for t in hold.result().trials)
    with pytest.raises(ConfigError, match=r"set search\.tuner\.pruner=none"):
        configured(objectives=["loss", "size"])


def test_every_trial_is_a_nested_run_with_its_curve(url: str) -> None:
    tracker = worked(launched(url, 4, tuner={"name": "optuna", "pruner": "none"}))
    assert len(tracker.children) == 4
    assert all(len(run.metrics["wql"]) == ROUNDS for run in tracker.children)
    assert all(len(run.metrics["wql_fold_1"]) == ROUNDS for run in tracker.children)
    assert tracker.children[0].params == CONFIGURED


def test_a_failed_trial_is_told_and_the_sweep_goes_on(url: str) -> None:
    def flaky(claim: Claim, report: Any, _: object) -> Outcome:
        if claim.values["training.batch_size"] == 32:
            raise MemoryError("no room")
        return measure(claim, report)

    hold = launched(url, 8, max_identical_failures=8)
    tracker = worked(hold, flaky)
    result = hold.result()
    failed = [trial for trial in result.trials if trial.state == "failed"]
    assert failed
    assert failed[0].error == "MemoryError: no room"
    (listed,) = summaries(url)
    assert (listed.state, listed.failed) == ("complete", len(failed))
    statuses = [run.status for run in tracker.children]
    assert statuses == ["FAILED" if t.state == "failed" else "FINISHED" for t in result.trials]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_fails_the_trial(url: str, value: float) -> None:
    def broken(claim: Claim, report: Any, _: object) -> Outcome:
        if claim.slot == 0:
            report(measured(0, 1, value))
            return Outcome.of([measured(0, 1, value)])
        return measure(claim, report)

    hold = launched(url, 3)
    worked(hold, broken)
    assert hold.result().trials[0].state == "failed"
    assert "not a number" in str(hold.result().trials[0].error)


def test_the_same_failure_again_and_again_stops_the_sweep(url: str) -> None:
    def broken(claim: Claim, report: Any, _: object) -> Outcome:
        raise ValueError("shape")

    hold = launched(url, 9)
    worked(hold, broken)
    assert hold.stopped() == "3 trials in a row failed with the same error: ValueError: shape"
    with pytest.raises(SweepError, match=r"none of 3 trials completed\. Last: ValueError: shape"):
        hold.result()


@pytest.mark.parametrize("error", [DiskFullError("full"), UnreachableError("gone")])
def test_what_is_no_trials_fault_gives_the_trial_back(url: str, error: Exception) -> None:
    def unlucky(claim: Claim, report: Any, _: object) -> Outcome:
        raise error

    hold = launched(url, 2)
    with pytest.raises(type(error)):
        worked(hold, unlucky)
    worked(hold)
    assert [trial.state for trial in hold.result().trials] == ["complete", "complete"]


def test_another_search_under_the_same_name_is_refused_with_the_difference(url: str) -> None:
    def named(steps: int) -> Hold:
        made = settings(training={"max_steps": steps})
        made = made.model_copy(update={"sweep": made.sweep.model_copy(update={"name": "x"})})
        return Hold(OpenStudy.create(url, frozen(made), made.engine, 2))

    named(2)
    named(2)  # joins
    with pytest.raises(SweepMismatchError, match='-   "max_steps": 2,\n\\+   "max_steps": 3,'):
        named(3)


def test_a_sweep_is_named_after_what_it_depends_on() -> None:
    base = frozen(configured())
    assert base.name == f"s-{base.digest[:8]}"
    assert frozen(configured(num_trials=40)).name == base.name
    assert frozen(configured(engine={"num_workers": 2})).name == base.name
    assert frozen(configured(), data="other").name != base.name
    assert frozen(configured(num_seeds=2)).name != base.name


def test_what_repeats() -> None:
    def repeats(*, grid: bool = False, parallel: bool, **search: Any) -> bool:
        return is_repeatable(configured(**search).search, grid=grid, parallel=parallel)

    random = {"name": "optuna", "sampler": "random", "pruner": "none"}
    assert repeats(parallel=False)
    assert not repeats(parallel=True)
    assert repeats(parallel=True, grid=True)
    assert repeats(parallel=True, tuner=random)
    assert not repeats(parallel=True, tuner={**random, "pruner": "median"})
    assert not repeats(parallel=True, tuner={"name": "keras_tuner", "oracle": "random"})
    assert not repeats(parallel=False, tuner=random, objectives=["loss", "latency"])


def test_values_outside_their_own_range_are_refused() -> None:
    search = configured().search
    with pytest.raises(ConfigError, match=r"model\.units=2 lies outside search\.space\.units"):
        check_inside("units", search.space["units"], 2)
    with pytest.raises(ConfigError, match=r"model\.dropout=0.15 lies outside"):
        check_inside("dropout", search.space["dropout"], 0.15)


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
    with pytest.raises(ConfigError, match=message):
        configured(space={"x": {"path": path, "kind": "int", "low": 1, "high": 4}})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("nonsense", "is not a database URL"),
        ("postgresql+psycopg://postgres@127.0.0.1:1/x", "cannot be used"),
    ],
)
def test_a_study_url_that_cannot_be_used_is_named(bad: str, message: str) -> None:
    with pytest.raises((ConfigError, UnreachableError), match=message):
        launched(bad)


def test_a_sweep_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(SweepError, match="no sweep 'x' here"):
        OpenStudy.open(url, "x", EngineSettings())


def test_the_study_is_drawn(url: str, tmp_path: Path) -> None:
    hold = launched(url, 6)
    worked(hold)
    names = {path.name for path in plot_study(hold.study, tmp_path / "plots")}
    kinds = (
        "optimization_history", "param_importances", "parallel_coordinate", "slice", "timeline",
    )  # fmt: skip
    assert names == {f"{kind}.{suffix}" for kind in kinds for suffix in ("png", "html")}
    assert all((tmp_path / "plots" / name).stat().st_size > 5000 for name in names)
