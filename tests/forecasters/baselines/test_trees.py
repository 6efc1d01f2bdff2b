"""Boosted trees: what they learn, from which rows, and what they say between their levels."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from restock.errors import DataError
from restock.features.fit import fit_state
from restock.forecasters.baselines.forest import (
    FittedTrees,
    between_levels,
    design,
    windows_of_one,
)
from restock.forecasters.baselines.trees import (
    BoostedTrees,
    fitted_levels,
    laid_out,
    training_pairs,
)
from restock.settings.baselines import TreeSettings
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel
from support.builders import LEVELS, features, panel


def trees(num_rows: int = 300, num_iterations: int = 4) -> BoostedTrees:
    settings = TreeSettings(num_rows=num_rows, num_iterations=num_iterations, learning_rate=0.3)
    return BoostedTrees(features(calendar=["week"]), settings, 3, np.array([0.3, 0.5, 0.7]), 0)


def fitted(base: DemandPanel, end: int = 50, **changes: int) -> FittedTrees:
    return trees(**changes).fit(base, np.full(base.num_series, end))


def predict(model: FittedTrees, base: DemandPanel, origin: int = 50) -> DemandForecast:
    return model.predict(base, np.full(base.num_series, origin))


def test_nothing_after_the_training_end_teaches() -> None:
    base = panel(6, 60)
    demand = base.demand.copy()
    demand[:, 41:] = 1e6
    edited = panel(6, 60, demand=demand)
    known = predict(fitted(base, 40), base, 40)
    np.testing.assert_array_equal(known.quantiles, predict(fitted(edited, 40), base, 40).quantiles)
    # The edit reaches what is taught one period later: the test can fail.
    later = predict(fitted(edited, 41), base, 40)
    assert (known.quantiles != later.quantiles).any()


def test_an_unknown_category_stands_beside_the_rarest_one_not_the_most_frequent() -> None:
    kinds = ["common"] * 6 + ["rare"] * 3 + ["never seen"]
    base = panel(10, 60, static=pd.DataFrame({"kind": kinds}))
    state = fit_state(base, features(min_category_count=2), np.full(10, 50))
    windows = windows_of_one(base, features(min_category_count=2), state, 3)
    code = design(windows.prediction_batch(np.arange(10), np.full(10, 50)))[:, 0, 0, -1]
    assert code[0] < code[6] < code[9]


def test_the_same_seed_gives_the_same_trees() -> None:
    base = panel(6, 60)
    first, second = (predict(fitted(base), base) for _ in range(2))
    np.testing.assert_array_equal(first.quantiles, second.quantiles)


@pytest.fixture(scope="module")
def promoted() -> tuple[DemandPanel, DemandForecast]:
    """Demand that a promotion doubles, and a forecast of it."""
    base = panel(30, 80)
    lifted = panel(30, 80, demand=base.demand * (1 + base.known_future["promo"]))
    return lifted, predict(fitted(lifted, 70, num_iterations=15, num_rows=3000), lifted, 70)


def test_a_known_promotion_moves_the_forecast(
    promoted: tuple[DemandPanel, DemandForecast],
) -> None:
    lifted, forecast = promoted
    ratio = forecast.point / lifted.demand[:, :71].mean(axis=1, keepdims=True)
    ahead = lifted.known_future["promo"][:, 71:74] == 1
    assert ratio[ahead].mean() > 1.4 * ratio[~ahead].mean()


def test_the_total_is_narrower_than_a_sum_of_quantiles(
    promoted: tuple[DemandPanel, DemandForecast],
) -> None:
    _, forecast = promoted
    total = forecast.cumulative[:, -1, -1] - forecast.cumulative[:, -1, 0]
    step = forecast.at(0.7) - forecast.at(0.3)
    # Independent demand: the total of 3 is wider by sqrt(3), not by 3.
    assert 1.2 < (total / step.mean(axis=1)).mean() < 2.4


def test_static_text_of_many_kinds_is_no_obstacle() -> None:
    static = pd.DataFrame({"kind": ["a", "b", "a", "b", "c", "d"], "size": np.arange(6.0)})
    base = panel(6, 60, static=static)
    assert np.isfinite(predict(fitted(base), base).point).all()


def test_pairs_keep_context_before_them_unless_the_history_is_too_short() -> None:
    demand = panel(2, 40).demand.copy()
    demand[1, :30] = np.nan
    series, origins = training_pairs(panel(2, 40, demand=demand), np.array([12, 39]))
    assert origins[series == 0].tolist() == [7, 8, 9, 10, 11]  # eight periods before the first
    assert origins[series == 1].tolist() == [37, 38]
    series, origins = training_pairs(panel(2, 40, demand=demand), np.array([2, -1]))
    assert (series.tolist(), origins.tolist()) == ([0, 0], [0, 1])
    with pytest.raises(DataError, match=r"Remove boosted_trees from evaluation\.baselines\.names"):
        training_pairs(panel(2, 40), np.array([0, -1]))


def test_the_outermost_levels_are_fitted_and_none_beyond_them() -> None:
    assert fitted_levels(np.array(LEVELS)) == [0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]
    assert fitted_levels(np.array([0.2, 0.5, 0.8])) == [0.2, 0.3, 0.5, 0.7, 0.8]


def test_between_fitted_levels_a_normal_distribution_is_exact() -> None:
    normal = np.vectorize(NormalDist(3, 2).inv_cdf)
    known, wanted = np.array([0.05, 0.5, 0.99]), np.array([0.05, 0.3, 0.5, 0.9, 0.99])
    said = between_levels(normal(known)[None, :], known, wanted)
    np.testing.assert_allclose(said, normal(wanted)[None, :])


def test_a_walk_through_the_nodes_ends_where_scikit_learn_ends() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 5)).astype(np.float32)
    target = rows[:, 0] * (rows[:, 1] > 0) + rng.normal(size=3000)
    model = trees(num_iterations=20)._model(0.7).fit(rows, target)
    unseen = (3 * rng.normal(size=(2500, 5))).astype(np.float32)
    np.testing.assert_allclose(laid_out(model).predict(unseen), model.predict(unseen), rtol=1e-12)


def test_trees_survive_being_bytes_and_are_the_same_bytes_again() -> None:
    base = panel(6, 60)
    model = fitted(base)
    content = model.to_bytes()
    again = FittedTrees.from_bytes(content, model.features, 3, model.levels, model.state)
    assert again.to_bytes() == content
    np.testing.assert_array_equal(predict(again, base).quantiles, predict(model, base).quantiles)
