"""Metrics: worked out by hand, and against scikit-learn."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from restock.evaluation.backtest import run_backtest, segments
from restock.evaluation.metrics import CARDS, ScoredPoints, naive_scales, pinball, pooled_wql, score
from restock.evaluation.selection import folds_with_demand
from restock.types.folds import Fold
from support.builders import LEVELS, evaluation, panel


def points(actual: list[list[float]], point: list[list[float]]) -> ScoredPoints:
    """All quantiles equal the point."""
    values = np.array(point, dtype=float)
    quantiles = np.repeat(values[:, :, None], len(LEVELS), axis=2)
    ones = np.full(len(values), 2.0)
    actuals = np.array(actual)
    totals = np.cumsum(quantiles, axis=1)
    return ScoredPoints(
        actuals,
        values,
        quantiles,
        np.cumsum(actuals, axis=1),
        totals,
        np.array(LEVELS),
        ones,
        ones**2,
    )


def test_scores_worked_out_by_hand() -> None:
    scores = score(points([[10, 0], [4, 6]], [[8, 1], [4, 9]]))
    # errors -2, 1, 0, 3 over a demand of 20
    assert scores["mae"] == 6 / 4
    assert scores["rmse"] == pytest.approx(np.sqrt(14 / 4))
    assert scores["wape"] == 6 / 20
    assert scores["bias"] == 2 / 20
    assert scores["mase"] == pytest.approx((1.5 / 2 + 1.5 / 2) / 2)
    assert scores["rmsse"] == pytest.approx((np.sqrt(2.5 / 4) + np.sqrt(4.5 / 4)) / 2)
    # A degenerate forecast has the absolute error as its mean decile loss.
    assert scores["wql"] == pytest.approx(6 / 20)
    assert scores["sql"] == pytest.approx(scores["mase"])
    assert scores["coverage_80"] == 1 / 4  # only the exact hit lies inside [f, f]
    assert set(scores) == {card.name for card in CARDS}


def test_pinball_equals_twice_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    actual, forecast = rng.normal(size=(20, 3)), rng.normal(size=(20, 3, 2))
    ours = pinball(actual, forecast, np.array([0.1, 0.8]))
    for place, level in enumerate((0.1, 0.8)):
        theirs = mean_pinball_loss(actual.ravel(), forecast[:, :, place].ravel(), alpha=level)
        assert ours[:, :, place].mean() == pytest.approx(2 * theirs)


def test_the_pooled_loss_is_that_of_the_scores() -> None:
    scored = points([[10, np.nan], [4, 6]], [[8, 1], [4, 9]])
    pooled = pooled_wql(scored.actual, scored.quantiles, scored.levels)
    assert pooled == pytest.approx(score(scored)["wql"])


def test_unknown_actuals_are_not_scored() -> None:
    whole = score(points([[10], [4]], [[8], [4]]))
    holed = score(points([[10, np.nan], [4, np.nan]], [[8, 99], [4, 99]]))
    assert holed == pytest.approx(whole)


def test_a_series_that_never_moved_counts_in_no_scaled_metric() -> None:
    demand = np.array([[3.0, 3.0, 3.0], [1.0, 2.0, 4.0]])
    absolute, squared = naive_scales(demand, np.array([2, 2]), 1)
    assert np.isnan(absolute[0])
    assert absolute[1] == 1.5
    assert squared[1] == 2.5


def test_the_scale_reads_nothing_after_the_origin() -> None:
    demand = np.array([[1.0, 2.0, 4.0, 1e6]])
    assert naive_scales(demand, np.array([2]), 1)[0][0] == 1.5
    assert naive_scales(demand, np.array([2]), 2)[0][0] == 3


class Oracle:
    """Knows the truth: its error must be zero in every cut."""

    horizon = 3

    def predict(self, base, origins):  # type: ignore[no-untyped-def]
        from restock.types.forecast import DemandForecast

        steps = origins[:, None] + np.arange(1, 4)
        truth = base.demand[np.arange(len(origins))[:, None], steps]
        quantiles = np.repeat(truth[:, :, None], len(LEVELS), axis=2)
        return DemandForecast(
            base.series_id, base.labels(origins), base.labels(steps), truth, np.array(LEVELS),
            quantiles, quantiles.cumsum(axis=1),
        )  # fmt: skip


def test_a_backtest_matches_every_forecast_to_its_own_actual() -> None:
    base = panel(4, 40)
    origins = np.array([[30, 30, 30, -1], [33, 33, 33, 33]])
    fold = Fold("test", origins[0], origins, np.full(len(origins[0]), 10**6))
    backtest = run_backtest(partial(Oracle().predict, base), base, fold, 1)
    assert len(backtest.series) == 7  # the series that takes no part is not scored there
    assert backtest.scores()["mae"] == 0
    for cut in (
        backtest.by_origin(),
        backtest.by_step(),
        backtest.by_segment(base.series_id).values(),
    ):
        assert all(scores["wql"] == 0 for scores in cut)


def test_segments_read_nothing_after_the_training_end() -> None:
    demand = np.zeros((3, 40))
    demand[0] = 10.0
    demand[1, ::4] = 5.0
    edited = demand.copy()
    edited[:, 31:] = 999.0
    ends = np.full(3, 30)
    first, second = (segments(panel(3, 40, demand=d), ends) for d in (demand, edited))
    assert first["pattern"].tolist() == ["smooth", "intermittent", "no demand"]
    for name in first:
        assert first[name].tolist() == second[name].tolist()


def test_a_period_hidden_by_a_stock_out_is_not_scored() -> None:
    stock = np.ones((1, 40), dtype=bool)
    stock[0, 31] = False
    demand = panel(1, 40).demand.copy()
    hidden = demand.copy()
    hidden[0, 31] = 0.0  # what was sold: nothing, because there was nothing
    origins = np.array([[30]])
    fold = Fold("test", origins[0], origins, np.full(len(origins[0]), 10**6))
    truth = partial(Oracle().predict, panel(1, 40, demand=demand))
    assert run_backtest(truth, panel(1, 40, demand=hidden), fold, 1).scores()["mae"] > 0
    masked = panel(1, 40, demand=hidden, in_stock=stock)
    assert run_backtest(truth, masked, fold, 1).scores()["mae"] == 0


def test_a_tuning_fold_without_demand_ranks_nothing_and_is_left_out() -> None:
    demand = panel(2, 40).demand.copy()
    demand[:, 34:37] = 0.0
    chosen = evaluation(horizon=3, num_folds=1, num_tuning_folds=2)
    folds = folds_with_demand(panel(2, 40, demand=demand), chosen)
    assert [int(fold.origins[0, 0]) for fold in folds.tuning] == [30]
    assert any("left out" in note for note in folds.notes)
