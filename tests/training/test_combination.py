"""How the network is mixed with other forecasts, and calibrated, as the tuning folds say."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import pytest

from restock.evaluation.bands import Rows
from restock.evaluation.metrics import ranks
from restock.forecasters.combine import with_lower_tail
from restock.training.combination import (
    Rehearsal,
    calibrated_levels,
    learn_combination,
    learn_weights,
    prior_weights,
)
from restock.types.forecast import DemandForecast
from support.builders import LEVELS
from support.normals import NORMAL, forecast

NUM_SERIES, HORIZON = 400, 4


def rehearsal(forecasts: Mapping[str, DemandForecast], actual: np.ndarray) -> Rehearsal:
    rows = Rows("wql", actual, np.ones(NUM_SERIES))
    return Rehearsal(forecasts, rows, np.arange(NUM_SERIES))


def world(seed: int = 0, spread: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Means and what happened, with a deviation of 5; forecasts may think otherwise."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(50, 100, size=(NUM_SERIES, HORIZON))
    return mean, mean + rng.normal(0, spread, size=mean.shape)


def coverage(of: DemandForecast, actual: np.ndarray, share: float, total: bool) -> float:
    """Share of the actuals, or of their running totals, inside the central interval."""
    values = np.cumsum(actual, axis=1) if total else actual
    rank = ranks(values, of.cumulative if total else of.quantiles, np.array(LEVELS))
    return float((np.abs(2 * rank - 1) <= share).mean())


def test_weights_go_to_the_forecasts_whose_errors_cancel() -> None:
    mean, actual = world()
    noise = np.random.default_rng(9).normal(0, 6, size=mean.shape)
    forecasts = {
        "lstm": forecast(mean + noise, 5.0),
        "mirror": forecast(mean - noise, 5.0),
        "poor": forecast(mean + 80.0, 5.0),
    }
    weights = learn_weights([rehearsal(forecasts, actual)])
    assert set(weights) == {"lstm", "mirror"}
    assert weights["lstm"] == pytest.approx(0.5, abs=0.03)
    assert sum(weights.values()) == pytest.approx(1.0)


def test_models_that_are_equally_good_share_the_weight() -> None:
    mean, actual = world()
    same = forecast(mean, 5.0)
    weights = learn_weights([rehearsal({"lstm": same, "twin": same}, actual)])
    assert weights == pytest.approx({"lstm": 2 / 3, "twin": 1 / 3}, abs=1e-3)  # as is believed


def test_the_network_stands_alone_where_nothing_helps_it() -> None:
    mean, actual = world()
    forecasts = {"lstm": forecast(mean, 5.0), "poor": forecast(mean * 2.0, 5.0)}
    assert learn_weights([rehearsal(forecasts, actual)]) == {"lstm": 1.0}


def test_a_fold_in_which_next_to_nothing_is_sold_says_little() -> None:
    """On a holiday the other model is far better; in an ordinary fold it is a little worse."""
    mean, actual = world(1)
    closed = np.full_like(actual, 0.5)
    folds = [
        rehearsal({"lstm": forecast(mean, 5.0), "other": forecast(mean + 8.0, 5.0)}, actual),
        rehearsal({"lstm": forecast(closed + 3.0, 0.5), "other": forecast(closed, 0.5)}, closed),
    ]
    weights = learn_weights(folds)
    assert weights["lstm"] > 0.6


@pytest.mark.parametrize("other", [0.0, 3.0])
def test_a_forecast_without_any_loss_is_no_division_by_zero(other: float) -> None:
    mean, _ = world()
    forecasts = {"lstm": forecast(mean + other, 0.0), "exact": forecast(mean, 0.0)}
    weights = learn_weights([rehearsal(forecasts, mean)])
    expected = {"exact": 1.0} if other else {"lstm": 2 / 3, "exact": 1 / 3}
    assert weights == pytest.approx(expected, abs=1e-3)


def test_before_the_folds_are_seen_network_and_trees_are_believed_most() -> None:
    names = ["lstm", "ets", "boosted_trees", "naive"]
    weights = prior_weights(names, np.array([1.3, 1.0, 1.2, 1.1]))
    np.testing.assert_allclose(weights[[0, 2]], 0.4)  # whatever their own losses are
    assert weights[1] / weights[3] == pytest.approx(np.e)  # a tenth of the lowest loss
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(prior_weights(["lstm", "ets"], np.ones(2)), [2 / 3, 1 / 3])


@pytest.mark.parametrize("thought", [2.5, 10.0])
def test_calibration_makes_intervals_cover_what_they_name(thought: float) -> None:
    worlds = [world(seed) for seed in range(1, 161)]  # 640 dates: what they say is believed
    folds = [rehearsal({"lstm": forecast(mean, thought)}, actual) for mean, actual in worlds]
    learned = learn_combination(folds)
    new_mean, new_actual = world()
    plain = forecast(new_mean, thought)
    made = learned.apply({"lstm": plain})
    for total in (False, True):
        assert abs(coverage(plain, new_actual, 0.5, total) - 0.5) > 0.2  # the test can fail
        assert coverage(made, new_actual, 0.5, total) == pytest.approx(0.5, abs=0.05)


def test_the_widest_interval_is_widened_on_both_sides() -> None:
    """It starts at the lowest level: nothing below it was forecast."""
    worlds = [world(seed) for seed in range(1, 161)]
    folds = [rehearsal({"lstm": forecast(mean, 4.0)}, actual) for mean, actual in worlds]
    new_mean, new_actual = world()
    plain = forecast(new_mean, 4.0)
    made = learn_combination(folds).apply({"lstm": plain})
    assert (made.at(0.05) < plain.at(0.05)).all()
    for total in (False, True):
        assert coverage(plain, new_actual, 0.9, total) < 0.84  # P(|Z| < 1.645 * 4 / 5) = 0.81
        assert coverage(made, new_actual, 0.9, total) == pytest.approx(0.9, abs=0.02)


def test_the_lower_tail_goes_on_as_a_normal_distribution_would() -> None:
    quantiles, levels = with_lower_tail(100.0 + 5.0 * NORMAL, np.array(LEVELS))
    np.testing.assert_allclose(levels, [0.01, *LEVELS])
    np.testing.assert_allclose(quantiles[0], NormalDist(100.0, 5.0).inv_cdf(0.01))
    np.testing.assert_array_equal(quantiles[1:], 100.0 + 5.0 * NORMAL)


def test_the_lower_tail_ends_at_zero() -> None:
    quantiles, _ = with_lower_tail(
        np.array([[1.0, 4.0, 9.0, 12.0]]), np.array([0.1, 0.2, 0.5, 0.95])
    )
    np.testing.assert_array_equal(quantiles, [[0.0, 1.0, 4.0, 9.0, 12.0]])


def test_levels_that_reach_as_far_down_as_up_need_no_tail() -> None:
    levels = np.array([0.05, 0.1, 0.5, 0.9, 0.95])
    assert with_lower_tail(levels * 10, levels)[1].tolist() == levels.tolist()


def test_calibration_without_a_known_demand_changes_nothing() -> None:
    assert calibrated_levels(np.full(3, np.nan), np.array(LEVELS), 0) == LEVELS
