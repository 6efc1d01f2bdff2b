"""Features: causal, and fitted on training rows only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restock.errors import ConfigError
from restock.features import fit
from restock.features.fit import fit_state
from restock.features.history import rolling_mean
from restock.features.maker import FeatureMaker
from restock.features.names import input_names
from restock.features.state import read_state, write_state
from support.builders import features, make_features, panel

SETTINGS = features(calendar=["week", "month"], holidays="GB", seasonal_lag=10)


def edited_after(base, position: int, known_until: int):  # type: ignore[no-untyped-def]
    """Return the panel with everything after a position changed: demand, stock and price.

    What is known ahead is changed after `known_until`.
    """
    demand = base.demand.copy()
    demand[:, position + 1 :] = 1e6
    stock = base.in_stock.copy()
    stock[:, position + 1 :] = False
    price = base.observed["price"].copy()
    price[:, position + 1 :] = 99.0
    promo = base.known_future["promo"].copy()
    promo[:, known_until + 1 :] = 7.0
    return panel(
        base.num_series,
        base.num_steps,
        demand=demand,
        in_stock=stock,
        known_future={"promo": promo},
        observed={"price": price},
    )


@given(origin=st.integers(5, 38))
def test_model_inputs_do_not_move_when_only_the_future_changes(origin: int) -> None:
    base = panel(3, 40)
    ends = np.full(3, origin)
    before = make_features(base, SETTINGS, fit_state(base, SETTINGS, ends), 4)
    future = edited_after(base, origin, origin + 4)
    after = make_features(future, SETTINGS, fit_state(future, SETTINGS, ends), 4)
    known = slice(0, origin + 1)
    np.testing.assert_array_equal(before.past[:, known], after.past[:, known])
    np.testing.assert_array_equal(before.scale[:, known], after.scale[:, known])
    ahead = slice(0, origin + 5)
    np.testing.assert_array_equal(before.future[:, ahead], after.future[:, ahead])
    np.testing.assert_array_equal(before.static_codes, after.static_codes)
    np.testing.assert_array_equal(before.static_numbers, after.static_numbers)
    at = np.broadcast_to(np.arange(origin + 1), (3, origin + 1))
    np.testing.assert_array_equal(before.anchors.forecast(at, 4), after.anchors.forecast(at, 4))
    assert not after.is_target[:, origin + 1 :].any()  # the edit arrived: the test can fail


def test_the_state_reads_nothing_after_the_training_end() -> None:
    base = panel(3, 40)
    ends = np.array([20, 25, 30])
    future = edited_after(base, 30, 30)
    assert fit_state(base, SETTINGS, ends) == fit_state(future, SETTINGS, ends)
    assert fit_state(base, SETTINGS, ends) != fit_state(future, SETTINGS, ends + 5)


def test_a_series_features_do_not_depend_on_those_beside_it() -> None:
    base = panel(4, 40)
    state = fit_state(base, SETTINGS, np.full(4, 30))
    made = make_features(base, SETTINGS, state, 2)
    alone = make_features(base.take(np.array([2])), SETTINGS, state, 2)
    np.testing.assert_array_equal(made.past[2:3], alone.past)
    np.testing.assert_array_equal(made.future[2:3], alone.future)
    np.testing.assert_array_equal(made.static_codes[2:3], alone.static_codes)


def test_a_number_that_no_series_has_is_a_constant() -> None:
    base = panel(3, 40, static=panel(3, 40).static.assign(size=np.nan))
    state = fit_state(base, SETTINGS, np.full(3, 30))
    assert state.static_mean == {"size": 0.0}
    assert not make_features(base, SETTINGS, state, 2).static_numbers.any()


def test_a_product_sold_out_from_the_start_is_not_taken_for_one_that_nobody_wants() -> None:
    demand = np.full((3, 40), 20.0)
    demand[0] = 0.0
    stock = np.ones((3, 40), dtype=bool)
    stock[:2] = False  # the second sells what comes in
    base = panel(3, 40, demand=demand, in_stock=stock)
    state = fit_state(base, SETTINGS, np.full(3, 35))
    scale = make_features(base, SETTINGS, state, 4).scale
    np.testing.assert_allclose(scale[:2, :36], state.cold_scale, rtol=1e-6)


def test_rolling_mean_agrees_with_pandas() -> None:
    import pandas as pd

    values = panel(3, 40).demand.copy()
    values[0, :7] = np.nan
    values[1, 20:23] = np.nan
    oracle = pd.DataFrame(values.T).rolling(5, min_periods=1).mean().to_numpy().T
    np.testing.assert_allclose(rolling_mean(values, 5), oracle)


def test_missing_demand_and_an_empty_series_give_finite_features() -> None:
    demand = panel(3, 40).demand.copy()
    demand[0] = np.nan
    demand[1, 10:20] = np.nan
    demand[2] = 0.0
    gaps = panel(3, 40, demand=demand)
    state = fit_state(gaps, SETTINGS, np.full(3, 30))
    made = make_features(gaps, SETTINGS, state, 4)  # FeaturePanel refuses what is not finite
    assert not made.is_target[0].any()
    assert (made.scale > 0).all()


def test_a_stock_out_lowers_neither_the_scale_nor_the_anchors() -> None:
    demand = np.full((1, 40), 20.0)
    demand[0, 25:30] = 0.0
    stock = np.ones((1, 40), dtype=bool)
    at = np.array([[29]])
    for empty in (True, False):
        stock[0, 25:30] = not empty
        base = panel(1, 40, demand=demand, in_stock=stock.copy())
        made = make_features(base, SETTINGS, fit_state(base, SETTINGS, np.array([35])), 4)
        lowest = made.anchors.forecast(at, 4).min()
        # Out of stock, nothing was learned about demand; in stock, demand has really gone.
        assert (made.scale[0, 29] == 20) == empty
        assert (lowest > 19.99) == empty


@pytest.mark.parametrize(("before", "after"), [(10.0, 40.0), (40.0, 10.0)])
def test_the_scale_follows_a_shift_of_level(before: float, after: float) -> None:
    demand = np.where(np.arange(100) < 50, before, after)[None, :]
    base = panel(1, 100, demand=demand, known_future={}, observed={})
    scale = make_features(base, SETTINGS, fit_state(base, SETTINGS, np.array([99])), 4).scale[0]
    np.testing.assert_allclose(scale[49], before)
    # A season later most of the way is gone: the long run still counts for three tenths.
    assert abs(scale[49 + SETTINGS.scale_window] - after) < 0.3 * abs(before - after)


def test_zeros_before_the_first_sale_lower_neither_the_scale_nor_the_anchors() -> None:
    demand = np.zeros((2, 40))
    demand[0, 30:] = 20.0  # launched at 30
    demand[1] = 20.0
    base = panel(2, 40, demand=demand)
    made = make_features(base, SETTINGS, fit_state(base, SETTINGS, np.full(2, 35)), 4)
    np.testing.assert_allclose(made.scale[0, 30:40], 20.0)
    anchors = made.anchors.forecast(np.array([[32], [32]]), 4)[0]
    np.testing.assert_allclose(anchors[..., :-1], 20.0, rtol=1e-5)  # the last: a season before
    assert (made.scale[0, :30] == made.scale[0, 0]).all()
    assert made.scale[0, 0] < 1  # before it, nothing is expected


def test_a_first_sale_in_the_future_moves_no_input() -> None:
    demand = panel(3, 40).demand.copy()
    demand[0] = 0.0
    never = panel(3, 40, demand=demand)
    demand = demand.copy()
    demand[0, 31:] = 50.0
    later = panel(3, 40, demand=demand)
    state, known = fit_state(never, SETTINGS, np.full(3, 30)), slice(0, 31)
    before, after = (make_features(base, SETTINGS, state, 4) for base in (never, later))
    np.testing.assert_array_equal(before.past[:, known], after.past[:, known])
    np.testing.assert_array_equal(before.scale[:, known], after.scale[:, known])
    assert (before.scale[0, 31:] != after.scale[0, 31:]).all()  # the sale arrived


def test_age_counts_from_the_first_sale_however_short_the_window() -> None:
    demand = np.zeros((1, 40))
    demand[0, 12:] = 5.0
    base = panel(1, 40, demand=demand)
    state = fit_state(base, SETTINGS, np.full(1, 35))
    row, column = np.array([0]), list(state.past_mean).index("age")
    maker = FeatureMaker(base, SETTINGS, state, 4)
    short, whole = maker.make(row, np.array([30]), 5), maker.make(row, np.array([0]), 44)
    expected = (np.log1p(np.arange(19, 24)) - state.past_mean["age"]) / state.past_std["age"]
    np.testing.assert_allclose(short.past[0, :, column], expected, rtol=1e-5)
    np.testing.assert_allclose(whole.past[0, 30:35, column], expected, rtol=1e-5)


def test_a_rare_or_unknown_category_gets_code_zero() -> None:
    import pandas as pd

    kinds = pd.DataFrame({"kind": ["a", "a", "a", "b"]})
    base = panel(4, 20, static=kinds)
    settings = features(calendar=[], min_category_count=2)
    state = fit_state(base, settings, np.full(4, 15))
    assert state.vocabularies == {"kind": ("a",)}
    codes = make_features(base, settings, state, 1).static_codes
    assert codes[:, 0].tolist() == [1, 1, 1, 0]


def test_state_survives_json(tmp_path: Path) -> None:
    state = fit_state(panel(3, 40), SETTINGS, np.full(3, 30))
    write_state(tmp_path / "state.json", state)
    assert read_state(tmp_path / "state.json") == state
    assert json.loads((tmp_path / "state.json").read_text())["vocabularies"]


def test_the_weeks_of_christmas_hold_their_holidays() -> None:
    import pandas as pd

    from restock.features.calendar import calendar_features

    weeks = pd.DatetimeIndex(["2010-12-19", "2010-12-26", "2011-01-02", "2011-01-09"])
    counts = calendar_features(weeks, (), "GB", ends_periods=True)["holidays"]
    # UK bank holidays: 25 December 2010 was a Saturday, so 27 and 28 December were days off, too.
    names = {"2010-12-25", "2010-12-26"}
    assert counts[0] == 0
    assert counts[1] >= len(names) - 1
    assert counts[2] >= 2
    assert counts[3] in (0, 1)


def test_an_unknown_cycle_or_country_names_the_known_ones() -> None:
    base = panel(2, 20)
    ends = np.full(2, 15)
    with pytest.raises(ConfigError, match="Did you mean 'week'"):
        fit_state(base, features(calendar=["weak"]), ends)
    with pytest.raises(ConfigError, match="XX"):
        fit_state(base, features(holidays="XX"), ends)


def test_each_step_knows_what_was_on_offer_the_period_before() -> None:
    base = panel(3, 40)
    state = fit_state(base, SETTINGS, np.full(3, 30))
    made = make_features(base, SETTINGS, state, 4).future
    names = list(state.future_mean)
    now, before = (made[:, :, names.index(f"known promo{s}")] for s in ("", "_before"))
    # Told apart from its standardisation: high where the promotion was on, low where it was not.
    np.testing.assert_array_equal(before[:, 1:] > 0, now[:, :-1] > 0)


def test_features_that_are_left_out_are_gone_from_every_role() -> None:
    base = panel(3, 40)
    left_out = ["lag_1", "known promo", "week_sin", "static kind"]
    chosen = features(calendar=["week"], leave_out=left_out)
    state = fit_state(base, chosen, np.full(3, 30))
    assert not set(left_out) & {name for names in input_names(state).values() for name in names}
    made = make_features(base, chosen, state, 4)
    assert made.past.shape[2] == len(state.past_mean) + 2
    assert made.future.shape[2] == len(state.future_mean) == 3
    assert made.static_codes.shape == (3, 0)


def test_an_unknown_feature_to_leave_out_names_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"no feature 'known promos'\. Did you mean 'known promo'"
    ):
        fit_state(panel(3, 40), features(leave_out=["known promos"]), np.full(3, 30))


def test_constants_have_as_many_digits_as_mean_something() -> None:
    state = fit_state(panel(6, 60), SETTINGS, np.full(6, 50))
    for value in (state.typical_scale, *state.past_mean.values(), *state.cold_effects["kind"]):
        assert value == float(f"{value:.10g}")


def test_rounding_moves_no_feature_by_more_than_single_precision() -> None:
    base = panel(6, 60)
    ends = np.full(6, 50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "rounded", lambda state: state)
        exact = fit_state(base, SETTINGS, ends)
    state = fit_state(base, SETTINGS, ends)
    assert state != exact
    one, other = (make_features(base, SETTINGS, s, 4) for s in (exact, state))
    for name in ("past", "future", "static_numbers", "scale", "cold_parts"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=2e-7, atol=1e-8)
