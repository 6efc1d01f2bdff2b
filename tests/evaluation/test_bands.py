"""Losses by band of steps: folds that reach fewer steps are joined with those that reach all."""

from __future__ import annotations

import numpy as np
import pytest

from restock.evaluation.bands import band_of_steps, loss_of, sums
from restock.evaluation.metrics import pooled_wql
from support.builders import LEVELS
from support.normals import forecast


def test_there_are_four_bands_or_as_many_as_steps() -> None:
    assert band_of_steps(8).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert band_of_steps(3).tolist() == [0, 1, 2]
    assert band_of_steps(9).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3]
    assert np.bincount(band_of_steps(39)).tolist() == [9, 9, 9, 12]


def world() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mean = rng.uniform(20, 40, size=(50, 8))
    return mean, mean + rng.normal(0, 5 + np.arange(8), size=mean.shape).clip(-20, None)


def test_of_one_fold_with_equal_demand_in_all_bands_it_is_the_weighted_quantile_loss() -> None:
    mean, actual = world()
    actual *= 100 / actual.sum(axis=0)  # the same total in every step
    made = forecast(mean, 5.0)
    found = loss_of(sums(made, actual), 8)
    assert found == pytest.approx(pooled_wql(actual, made.quantiles, np.array(LEVELS)))


def test_a_short_fold_changes_the_bands_that_it_reaches_alone() -> None:
    mean, actual = world()
    whole = sums(forecast(mean, 5.0), actual)
    short = actual.copy()
    short[:, 2:] = np.nan
    both = whole + sums(forecast(mean * 3.0, 5.0), short)
    apart = both[0] / both[1] - whole[0] / whole[1]
    assert apart[0] > 0.1
    np.testing.assert_array_equal(apart[1:], 0.0)
    # Its band counts by its two steps of eight, however many rows the short fold adds.
    assert loss_of(both, 8) - loss_of(whole, 8) == pytest.approx(apart[0] * 2 / 8)


def test_bands_without_demand_do_not_count_and_nothing_at_all_is_no_number() -> None:
    mean, actual = world()
    actual[:, 6:] = 0.0
    found = sums(forecast(mean, 5.0), actual)
    ratios = found[0, :3] / found[1, :3]
    assert loss_of(found, 8) == pytest.approx(ratios.mean())
    assert np.isnan(loss_of(sums(forecast(mean, 5.0), np.full_like(actual, np.nan)), 8))
