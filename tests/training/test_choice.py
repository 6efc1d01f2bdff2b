"""What is chosen on the tuning folds: the mix, unless something simpler is better beyond doubt."""

from __future__ import annotations

import numpy as np
import pytest

from restock.evaluation.bands import Rows, loss_of, sums
from restock.training.choice import Choice, choose
from restock.training.combination import Rehearsal
from restock.types.forecast import DemandForecast
from support.builders import LEVELS
from support.normals import forecast

HORIZON = 4


def rehearsals(
    errors: dict[str, float], num_series: int = 200, num_folds: int = 2
) -> list[Rehearsal]:
    """Folds in which each model's mean is off by independent errors of its own size."""
    folds = []
    for fold in range(num_folds):
        rng = np.random.default_rng(fold)
        mean = rng.uniform(50, 100, size=(num_series, HORIZON))
        made = {
            name: forecast(mean + rng.normal(0, size, mean.shape), float(np.hypot(5, size)))
            for name, size in errors.items()
        }
        actual = mean + rng.normal(0, 5.0, size=mean.shape)
        rows = Rows("wql", actual, np.ones(num_series))
        folds.append(Rehearsal(made, rows, np.arange(num_series)))
    return folds


def loss_in(choice: Choice, name: str) -> float:
    return next(found.loss for found in choice.candidates if found.name == name)


def test_of_two_good_models_the_mix_forecasts() -> None:
    """Their errors are independent: together they are better than either."""
    choice = choose(rehearsals({"lstm": 6.0, "boosted_trees": 6.0, "naive": 60.0}))
    assert choice.chosen == "mix"
    assert choice.combination == choice.mix
    assert loss_in(choice, "mix") < 0.95 * loss_in(choice, "lstm")
    assert [c.loss for c in choice.candidates] == sorted(c.loss for c in choice.candidates)
    names = {candidate.name for candidate in choice.candidates}
    assert names == {
        "mix", "lstm", "boosted_trees", "naive", "lstm + boosted_trees", "lstm + naive",
        "boosted_trees + naive", "lstm + boosted_trees + naive",
    }  # fmt: skip
    assert "mix" in choice.why()
    assert "better with a probability of" in choice.why()


def test_a_model_that_is_better_beyond_doubt_replaces_the_mix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folds = rehearsals({"lstm": 30.0, "ets": 0.0, "naive": 30.0})
    monkeypatch.setattr("restock.training.combination.DRAW", 1e3)  # weights stay near their prior
    monkeypatch.setattr("restock.training.combination.TOLERANCE", 1e3)  # which is equal shares
    choice = choose(folds)
    assert choice.chosen == "ets"
    assert choice.combination.weights == {"ets": 1.0}
    assert choice.combination.steps == LEVELS  # as it forecasts, neither mixed nor calibrated
    assert set(choice.mix.weights) == {"lstm", "ets", "naive"}
    (ets,) = [c for c in choice.candidates if c.name == "ets"]
    assert ets.better > 0.9


def test_a_model_that_may_be_better_by_chance_does_not() -> None:
    choice = choose(rehearsals({"lstm": 8.0, "ets": 7.5}, num_series=12, num_folds=1))
    assert choice.chosen == "mix"


def test_a_model_that_wins_at_one_date_alone_is_not_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many series say little where all of them have one date in common."""
    monkeypatch.setattr("restock.training.combination.DRAW", 1e3)  # so that the mix is equal shares
    monkeypatch.setattr("restock.training.combination.TOLERANCE", 1e3)
    calm = rehearsals({"lstm": 6.0, "ets": 6.0})
    wild = rehearsals({"lstm": 60.0, "ets": 6.0})

    def sure(folds: list[Rehearsal]) -> float:
        return next(c.better for c in choose(folds).candidates if c.name == "ets")

    assert sure([calm[0], wild[1]]) < 0.95 < sure(wild)


def test_the_mix_is_scored_on_series_that_its_weights_were_not_learned_on() -> None:
    """Where every half of the series teaches the other the wrong model, both pay for it."""
    (fold,) = rehearsals({"lstm": 0.0, "other": 40.0}, num_folds=1)
    odd = fold.series % 2 == 1
    good, poor = fold.forecasts["lstm"], fold.forecasts["other"]

    def halves(first: DemandForecast, second: DemandForecast) -> DemandForecast:
        rows = [
            (first if is_odd else second).take(np.array([row])) for row, is_odd in enumerate(odd)
        ]
        return DemandForecast.stacked(rows)

    split = {"lstm": halves(good, poor), "other": halves(poor, good)}
    choice = choose([Rehearsal(split, fold.rows, fold.series)])
    in_sample = sums(choice.mix.apply(split), fold.rows)
    assert loss_in(choice, "mix") > 1.3 * loss_of(in_sample, HORIZON)


def test_without_rows_to_hold_out_no_learned_mix_is_offered() -> None:
    choice = choose(rehearsals({"lstm": 6.0, "ets": 6.0}, num_series=3, num_folds=1))
    assert {candidate.name for candidate in choice.candidates} == {"lstm", "ets", "lstm + ets"}
    assert choice.chosen == "lstm + ets"
    assert choice.combination.weights == {"lstm": 0.5, "ets": 0.5}
    other = next(c for c in choice.candidates if c.name != choice.chosen)
    assert f"probability of {1 - other.better:.0%}" in choice.why()


def test_few_series_of_two_folds_are_held_out_fold_by_fold() -> None:
    choice = choose(rehearsals({"lstm": 6.0, "ets": 6.0}, num_series=3, num_folds=2))
    assert "mix" in {candidate.name for candidate in choice.candidates}


def test_the_network_without_anything_beside_it_forecasts() -> None:
    choice = choose(rehearsals({"lstm": 6.0}))
    assert set(choice.combination.weights) == {"lstm"}


def test_a_loss_is_that_of_the_report() -> None:
    folds = rehearsals({"lstm": 6.0, "ets": 9.0})
    folds[1].rows.actual[:, 2:] = np.nan  # a short fold
    total = np.sum([sums(one.forecasts["ets"], one.rows) for one in folds], axis=0)
    assert loss_in(choose(folds), "ets") == pytest.approx(loss_of(total, HORIZON))
