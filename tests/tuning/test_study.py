"""The tuning loop over a real study, in SQLite and in PostgreSQL: one contract for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from restock.config import EngineSettings, SearchSettings
from restock.errors import ConfigError, DiskFullError, UnreachableError
from restock.tuning.optuna.ledger import OptunaLedger
from restock.tuning.optuna.plots import plot_study
from restock.tuning.optuna.sampler import check_inside, grid_points
from restock.tuning.results import Outcome, Trial
from restock.tuning.study import Claim, Fenced, Report, SweepError
from restock.tuning.sweep import SweepMismatchError, freeze, is_repeatable
from support.builders import settings
from support.cheap_sweep import SPACE, bowl
from support.services import study_database
from support.studies import configured, launched, measure, worked

CONFIGURED = {"model.units": 20, "model.dropout": 0.1, "training.batch_size": 64}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with study_database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optuna.db'}"


class TestLedger:
    def test_the_configured_values_are_the_first_trial(self, url: str) -> None:
        ledger = launched(url)
        worked(ledger)
        result = ledger.result()
        assert result.trials[0].values == CONFIGURED
        assert [trial.number for trial in result.trials] == [0, 1, 2, 3, 4, 5]
        assert result.best.scores[0] == min(t.scores[0] for t in result.trials if t.scores)

    def test_a_dead_workers_trial_goes_to_another(self, url: str) -> None:
        ledger = launched(url, 2)
        claim = ledger.claim("dead")
        assert claim is not None
        assert ledger.bury("dead") == [claim.number]
        worked(ledger)
        again = [a for a in ledger.attempts() if a.user_attrs.get("retries") == claim.number]
        assert len(again) == 1
        assert {k: again[0].params[k] for k in SPACE} == {
            "units": 20, "dropout": 0.1, "size": 64,
        }  # fmt: skip
        assert len(ledger.result().trials) == 2

    def test_a_zombies_result_is_refused(self, url: str) -> None:
        ledger = launched(url, 1)
        claim = ledger.claim("zombie")
        assert claim is not None
        with ledger.alive(claim):
            other = OptunaLedger(url, ledger.sweep.name, ledger.engine)
            other.bury("zombie")
            worked(other)
            with pytest.raises(Fenced):
                ledger.report(claim, 0, [0.0])
            best = Outcome(-1.0, 1, (-1.0,), ((-1.0,),))
            with pytest.raises(Fenced):
                ledger.tell(claim, Trial(0, claim.values, "complete", best))
        assert other.result().best.scores[0] > 0

    def test_a_trial_given_back_is_no_failure(self, url: str) -> None:
        ledger = launched(url, 1, engine={"max_retries": 0})
        for _ in range(3):
            claim = ledger.claim("w")
            assert claim is not None
            with ledger.alive(claim):
                ledger.release(claim)
        worked(ledger)
        assert ledger.result().best.number == 0

    def test_a_trial_that_kills_its_workers_is_given_up(self, url: str) -> None:
        ledger = launched(url, 2, engine={"max_retries": 1})
        for _ in range(2):
            assert ledger.claim("dead") is not None
            ledger.bury("dead")
        worked(ledger)
        failed = ledger.result().trials[0]
        assert failed.error == "its worker died 2 times (engine.max_retries=1)"

    def test_a_silent_worker_is_given_up_after_the_grace(self, url: str) -> None:
        ledger = launched(url, 1, engine={"heartbeat": 1, "grace": 2})
        claim = ledger.claim("silent")  # and never beats
        assert claim is not None
        assert not ledger.is_done()
        worked(ledger)  # waits, takes it over
        assert len(ledger.attempts()) == 2
        assert ledger.result().best.number == 0

    def test_several_processes_never_start_a_trial_too_many(self, url: str) -> None:
        one = launched(url, 20)
        two = OptunaLedger(url, one.sweep.name, one.engine)
        claims = []
        for ledger in (one, two) * 12:
            claim = ledger.claim("w")
            if claim is not None:
                claims.append(claim)
        assert sorted(claim.slot for claim in claims) == list(range(20))
        assert len({claim.number for claim in claims}) == 20

    def test_more_trials_continue_the_same_sweep(self, url: str) -> None:
        first = launched(url, 3)
        worked(first)
        before = first.result().trials
        second = launched(url, 5)
        worked(second)
        assert second.result().trials[:3] == before
        assert len(second.result().trials) == 5

    def test_stop_reaches_every_worker_and_resuming_takes_it_back(self, url: str) -> None:
        ledger = launched(url, 4)

        def stopping(claim: Claim, report: Any, _: object) -> Outcome:
            if claim.slot == 1:
                ledger.stop("asked")
            return measure(claim, report)

        worked(ledger, stopping)
        assert not ledger.is_done()
        assert ledger.stopped() == "asked"
        worked(launched(url, 4))
        assert len(ledger.result().trials) == 4

    def test_a_killed_sweep_repeats_an_unbroken_one(self, url: str) -> None:
        """Proposals depend on seed, slot and what was told: a break changes none of them."""
        whole = launched(url, 8, tuner={"name": "optuna", "num_startup_trials": 3})
        worked(whole)
        broken = launched(url, 8, tuner={"name": "optuna", "num_startup_trials": 3}, name="other")
        for _ in range(5):
            claim = broken.claim("w")
            assert claim is not None
            with broken.alive(claim):
                outcome = measure(claim, lambda e, x, c=claim: broken.report(c, e, x))  # type: ignore[misc]
                broken.tell(claim, Trial(claim.slot, claim.values, "complete", outcome))
        fresh = OptunaLedger(url, broken.sweep.name, broken.engine)
        worked(fresh)
        assert [t.values for t in fresh.result().trials[:5]] == [
            t.values for t in whole.result().trials[:5]
        ]


def test_the_same_seed_repeats_the_whole_sweep(tmp_path: Path) -> None:
    def values(name: str, seed: int) -> list[dict[str, Any]]:
        ledger = launched(f"sqlite:///{tmp_path / name}.db", 8, seed=seed)
        worked(ledger)
        return [trial.values for trial in ledger.result().trials]

    assert values("a", 1) == values("b", 1)
    assert values("a", 1) != values("c", 2)


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "qmc"])
def test_samplers_by_name(sqlite: str, sampler: str) -> None:
    ledger = launched(sqlite, 8, tuner={"name": "optuna", "sampler": sampler})
    worked(ledger)
    values = [tuple(trial.values.values()) for trial in ledger.result().trials]
    assert len(set(values)) > 4


def test_a_sampler_that_is_not_installed_says_which_extra(
    sqlite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(**_: object) -> None:
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(optuna.samplers, "GPSampler", missing)
    ledger = launched(sqlite, 2, tuner={"name": "optuna", "sampler": "gp"})
    with pytest.raises(ConfigError, match=r"pip install 'restock\[gp\]'"):
        ledger.claim("w")


def test_a_grid_tries_every_point_once(sqlite: str) -> None:
    space = {
        "units": {"path": "model.units", "kind": "int", "low": 10, "high": 30, "step": 10},
        "size": {"path": "training.batch_size", "kind": "categorical", "choices": [32, 64]},
    }

    def total(claim: Claim, report: Any, _: object) -> Outcome:
        value = float(sum(claim.values.values()))
        return Outcome(value, 1, (value,), ((value,),))

    ledger = launched(sqlite, 50, tuner={"name": "optuna", "sampler": "grid"}, space=space)
    worked(ledger, total)
    found = {tuple(trial.values.values()) for trial in ledger.result().trials}
    assert found == {(u, s) for u in (10, 20, 30) for s in (32, 64)}
    assert len(ledger.result().trials) == 6


def test_a_grid_of_a_continuous_range_is_refused() -> None:
    rate = {"path": "training.learning_rate", "kind": "float", "low": 1e-4, "high": 1e-2}
    search = SearchSettings.model_validate({"name": "s", "space": {"rate": rate}})
    with pytest.raises(ConfigError, match="a grid needs a step or choices"):
        grid_points(search)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_bad_trials_are_pruned_and_never_best(sqlite: str, pruner: str) -> None:
    tuner = {
        "name": "optuna", "pruner": pruner, "num_startup_trials": 3, "num_warmup_epochs": 1,
    }  # fmt: skip
    ledger = launched(sqlite, 20, tuner=tuner)
    tracker = worked(ledger)
    result = ledger.result()
    pruned = [trial for trial in result.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.outcome is not None and len(trial.outcome.curve) < 6 for trial in pruned)
    assert result.best.state == "complete"
    states = [run.tags["restock.state"] for run in tracker.children]
    assert states == [trial.state for trial in result.trials]


def test_wilcoxon_compares_the_folds_of_finished_trials(sqlite: str) -> None:
    def many_folds(claim: Claim, report: Report, _: object = None) -> Outcome:
        value = bowl(claim.values, 0)
        folds = [value + 0.01 * fold for fold in range(8)]
        report(0, folds)
        return Outcome(value, 1, (value,), tuple((loss,) for loss in folds))

    ledger = launched(sqlite, 12, tuner={"name": "optuna", "pruner": "wilcoxon"})
    worked(ledger, many_folds)
    result = ledger.result()
    assert {trial.state for trial in result.trials} == {"complete", "pruned"}
    assert all(trial.outcome is not None for trial in result.trials)


def test_several_objectives_give_a_pareto_set_and_are_not_pruned(sqlite: str) -> None:
    def two(claim: Claim, report: Report, _: object = None) -> Outcome:
        value = bowl(claim.values, 0)
        report(0, [value])
        scores = {"wql": value, "size": float(claim.values["model.units"])}
        return Outcome(value, 1, (value,), ((value,),), scores)

    tuner = {"name": "optuna", "sampler": "tpe", "pruner": "none"}
    ledger = launched(sqlite, 12, objectives=["wql", "size"], tuner=tuner)
    worked(ledger, two)
    front = ledger.study.best_trials
    assert 1 <= len(front) < 12
    assert ledger.result().best.scores[0] == min(t.scores[0] for t in ledger.result().trials)
    with pytest.raises(ConfigError, match=r"set search\.tuner\.pruner=none"):
        configured(objectives=["wql", "size"])


def test_every_trial_is_a_nested_run_with_its_curve(sqlite: str) -> None:
    tracker = worked(launched(sqlite, 4, tuner={"name": "optuna", "pruner": "none"}))
    assert len(tracker.children) == 4
    assert all(len(run.metrics["wql"]) == 6 for run in tracker.children)
    assert all(len(run.metrics["wql_fold_1"]) == 6 for run in tracker.children)
    assert tracker.children[0].params == CONFIGURED


def test_a_failed_trial_is_told_and_the_sweep_goes_on(sqlite: str) -> None:
    def flaky(claim: Claim, report: Any, _: object) -> Outcome:
        if claim.values["training.batch_size"] == 32:
            raise MemoryError("no room")
        return measure(claim, report)

    ledger = launched(sqlite, 16, max_identical_failures=12)
    tracker = worked(ledger, flaky)
    result = ledger.result()
    failed = [trial for trial in result.trials if trial.state == "failed"]
    assert failed
    assert failed[0].error == "MemoryError: no room"
    statuses = [run.status for run in tracker.children]
    assert statuses == ["FAILED" if t.state == "failed" else "FINISHED" for t in result.trials]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_fails_the_trial(sqlite: str, value: float) -> None:
    def broken(claim: Claim, report: Any, _: object) -> Outcome:
        if claim.slot == 0:
            report(0, [value])
            return Outcome(value, 1, (value,), ((value,),))
        return measure(claim, report)

    ledger = launched(sqlite, 3)
    worked(ledger, broken)
    assert ledger.result().trials[0].state == "failed"
    assert "not a number" in str(ledger.result().trials[0].error)


def test_the_same_failure_again_and_again_stops_the_sweep(sqlite: str) -> None:
    def broken(claim: Claim, report: Any, _: object) -> Outcome:
        raise ValueError("shape")

    ledger = launched(sqlite, 9)
    worked(ledger, broken)
    assert ledger.stopped() == "3 trials in a row failed alike: ValueError: shape"
    with pytest.raises(SweepError, match=r"none of 3 trials completed\. Last: ValueError: shape"):
        ledger.result()


@pytest.mark.parametrize("error", [DiskFullError("full"), UnreachableError("gone")])
def test_what_is_no_trials_fault_gives_the_trial_back(sqlite: str, error: Exception) -> None:
    def unlucky(claim: Claim, report: Any, _: object) -> Outcome:
        raise error

    ledger = launched(sqlite, 2)
    with pytest.raises(type(error)):
        worked(ledger, unlucky)
    worked(ledger)
    assert [trial.state for trial in ledger.result().trials] == ["complete", "complete"]


def test_another_search_under_the_same_name_is_refused_with_the_difference(sqlite: str) -> None:
    def named(epochs: int) -> OptunaLedger:
        frozen = settings(training={"max_epochs": epochs})
        frozen = frozen.model_copy(update={"sweep": frozen.sweep.model_copy(update={"name": "x"})})
        sweep = freeze(frozen, data="d", commit="c")
        return OptunaLedger.launch(sqlite, sweep, frozen.engine, 2)

    named(2)
    named(2)  # joins
    with pytest.raises(SweepMismatchError, match='-   "max_epochs": 2,\n\\+   "max_epochs": 3,'):
        named(3)


def test_a_sweep_is_named_after_what_it_depends_on() -> None:
    base = freeze(configured(), data="d", commit="c")
    assert base.name == f"s-{base.digest[:8]}"
    assert freeze(configured(num_trials=40), data="d", commit="later").name == base.name
    assert freeze(configured(engine={"num_workers": 2}), data="d", commit="c").name == base.name
    assert freeze(configured(), data="other", commit="c").name != base.name
    assert freeze(configured(num_seeds=2), data="d", commit="c").name != base.name


def test_what_repeats() -> None:
    random = {"name": "optuna", "sampler": "random", "pruner": "none"}
    two = {"num_workers": 2}
    assert is_repeatable(configured(), None)
    assert not is_repeatable(configured(engine=two), None)
    assert is_repeatable(configured(engine=two, tuner=random), None)
    assert not is_repeatable(configured(engine=two, tuner={**random, "pruner": "median"}), None)
    one = configured(tuner=random, objectives=["wql", "latency"])
    assert not is_repeatable(one, None)


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
        ("nonsense", "is no database URL"),
        ("postgresql+psycopg://postgres@127.0.0.1:1/x", "cannot be used"),
    ],
)
def test_a_study_url_that_cannot_be_used_is_named(bad: str, message: str) -> None:
    with pytest.raises((ConfigError, UnreachableError), match=message):
        launched(bad)


def test_a_sweep_that_is_not_there_is_named(sqlite: str) -> None:
    with pytest.raises(SweepError, match="no sweep 'x' here"):
        OptunaLedger(sqlite, "x", EngineSettings())


def test_the_study_is_drawn(sqlite: str, tmp_path: Path) -> None:
    ledger = launched(sqlite, 6)
    worked(ledger)
    names = {path.name for path in plot_study(ledger.study, tmp_path / "plots")}
    kinds = (
        "optimization_history", "param_importances", "parallel_coordinate", "slice", "timeline",
    )  # fmt: skip
    assert names == {f"{kind}.{suffix}" for kind in kinds for suffix in ("png", "html")}
    assert all((tmp_path / "plots" / name).stat().st_size > 5000 for name in names)
