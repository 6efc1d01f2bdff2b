"""The sample of series that the trials of a sweep on a large panel see."""

from __future__ import annotations

import numpy as np

from restock.data.folds import make_folds
from restock.settings.folds import FoldSettings
from restock.sweeps.sample import sample_series
from restock.training.tuned import tuned_recipe
from support.builders import panel, recipe_of


def test_a_sample_is_spread_over_sizes_and_shares_of_zeros() -> None:
    rng = np.random.default_rng(0)
    level = np.exp(rng.normal(1.0, 1.5, (400, 1)))
    shown = panel(400, 60, demand=rng.poisson(level, (400, 60)).astype(float))
    folds = make_folds(shown, FoldSettings())
    rows = sample_series(shown, folds, 40)
    assert rows is not None
    assert len(np.unique(rows)) == len(rows) == 40
    assert (np.diff(rows) > 0).all()
    for describe in (np.mean, lambda d, axis: (d == 0).mean(axis=axis)):
        every, some = describe(shown.demand, axis=1), describe(shown.demand[rows], axis=1)
        for share in (0.1, 0.5, 0.9):
            found = np.quantile(some, share)
            assert (every < found).mean() < share + 0.08
            assert (every <= found).mean() > share - 0.08


def test_few_series_are_all_seen() -> None:
    shown = panel(40, 60)
    folds = make_folds(shown, FoldSettings())
    assert sample_series(shown, folds, 40) is None
    assert sample_series(shown, folds, None) is None


def test_demand_after_the_first_tuning_fold_does_not_choose_the_sample() -> None:
    shown = panel(100, 60)
    folds = make_folds(shown, FoldSettings())
    other = shown.demand.copy()
    other[:, folds.tuning[0].train_end[0] + 1 :] *= np.arange(100)[:, None]
    rows = sample_series(shown, folds, 20)
    np.testing.assert_array_equal(rows, sample_series(panel(100, 60, demand=other), folds, 20))


def test_folds_of_some_series_are_those_of_the_whole_panel() -> None:
    shown, rows = panel(30, 60), np.array([3, 7, 20])
    folds = make_folds(shown, FoldSettings())
    taken = folds.take(rows)
    for whole, part in zip((*folds.tuning, folds.test), (*taken.tuning, taken.test), strict=True):
        assert (whole.train_end[rows] == part.train_end).all()
        for number in range(len(whole.origins)):
            expected = whole.actuals(shown, number, folds.horizon)[rows]
            found = part.actuals(shown.take(rows), number, folds.horizon)
            np.testing.assert_array_equal(found, expected)


def test_the_steps_of_a_sample_are_not_those_of_all_series() -> None:
    shown = panel(30, 60)
    folds = make_folds(shown, FoldSettings())
    tuned = {
        "cut": folds.tuning_cut, "configured": {"model.units": 8}, "best": {"model.units": 16},
        "steps": 40,
    }  # fmt: skip
    for num_series, steps in ((30, 40), (10, None)):
        recipe, found = tuned_recipe(recipe_of(), {**tuned, "num_series": num_series}, folds)
        assert (recipe.model.units, found) == (16, steps)
    assert tuned_recipe(recipe_of(), tuned, folds)[1] == 40  # an earlier version saw all
