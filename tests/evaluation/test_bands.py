"""Losses by band of steps: folds that reach fewer steps are joined with those that reach all."""

from __future__ import annotations

import numpy as np
import pytest

from restock.data.folds import make_folds
from restock.evaluation.backtest import run_backtest
from restock.evaluation.bands import Rows, band_of_steps, floored, loss_of, sums
from restock.evaluation.metrics import pooled_wql, score
from restock.settings.evaluation import LossSettings
from restock.settings.folds import FoldSettings
from support.builders import LEVELS, panel
from support.normals import forecast


def test_there_are_four_bands_or_as_many_as_steps() -> None:
    assert band_of_steps(8).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert band_of_steps(3).tolist() == [0, 1, 2]
    assert band_of_steps(9).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3]
    assert np.bincount(band_of_steps(39)).tolist() == [9, 9, 9, 12]


def rows(actual: np.ndarray) -> Rows:
    return Rows("wql", actual, np.ones(len(actual)))


def world() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mean = rng.uniform(20, 40, size=(50, 8))
    return mean, mean + rng.normal(0, 5 + np.arange(8), size=mean.shape).clip(-20, None)


def test_of_one_fold_with_equal_demand_in_all_bands_it_is_the_weighted_quantile_loss() -> None:
    mean, actual = world()
    actual *= 100 / actual.sum(axis=0)  # the same total in every step
    made = forecast(mean, 5.0)
    found = loss_of(sums(made, rows(actual)), 8)
    assert found == pytest.approx(pooled_wql(actual, made.quantiles, np.array(LEVELS)))


def test_a_short_fold_changes_the_bands_that_it_reaches_alone() -> None:
    mean, actual = world()
    whole = sums(forecast(mean, 5.0), rows(actual))
    short = actual.copy()
    short[:, 2:] = np.nan
    both = whole + sums(forecast(mean * 3.0, 5.0), rows(short))
    apart = both[0] / both[1] - whole[0] / whole[1]
    assert apart[0] > 0.1
    np.testing.assert_array_equal(apart[1:], 0.0)
    # Its band counts by its two steps of eight, however many rows the short fold adds.
    assert loss_of(both, 8) - loss_of(whole, 8) == pytest.approx(apart[0] * 2 / 8)


def test_bands_without_demand_do_not_count_and_nothing_at_all_is_no_number() -> None:
    mean, actual = world()
    actual[:, 6:] = 0.0
    found = sums(forecast(mean, 5.0), rows(actual))
    ratios = found[0, :3] / found[1, :3]
    assert loss_of(found, 8) == pytest.approx(ratios.mean())
    assert np.isnan(loss_of(sums(forecast(mean, 5.0), rows(np.full_like(actual, np.nan))), 8))


def test_each_loss_is_that_of_a_report_where_all_origins_reach_all_steps() -> None:
    shown = panel(60, 80)
    fold = make_folds(shown, FoldSettings(horizon=8, num_folds=1)).test
    mean = np.full((60, 8), 12.0)
    report = run_backtest(lambda _: forecast(mean, 5.0), shown, fold, 2)
    sql = LossSettings(loss="sql", seasonal_period=2)
    (found,) = Rows.of(sql, shown, fold, 8)
    scale = report.points.scale
    assert (floored(scale) >= scale).all()
    kept = found.take(np.flatnonzero(floored(scale) == scale))  # the report floors no scale
    points = report.points.select(np.flatnonzero(floored(scale) == scale))
    expected = score(points)["sql"]
    assert loss_of(sums(forecast(mean[: len(kept.actual)], 5.0), kept), 8) == pytest.approx(
        expected
    )
    (found,) = Rows.of(LossSettings(loss="wql"), shown, fold, 8)
    found.actual[:] *= 1000 / found.actual.sum(axis=0)
    expected = pooled_wql(found.actual, forecast(mean, 5.0).quantiles, np.array(LEVELS))
    assert loss_of(sums(forecast(mean, 5.0), found), 8) == pytest.approx(expected)


def test_a_series_that_never_moved_has_no_scale_and_does_not_count() -> None:
    shown = panel(20, 60)
    shown.demand[0, :] = 7.0
    fold = make_folds(shown, FoldSettings(horizon=8, num_folds=1)).test
    (found,) = Rows.of(LossSettings(loss="sql"), shown, fold, 8)
    assert found.weight[0] == 0
    assert found.base.sum() == 19 * 8
