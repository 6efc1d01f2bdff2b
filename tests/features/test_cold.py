"""The scale of a product that was never sold, from those that are like it."""

from __future__ import annotations

import numpy as np
import pytest

from restock.features.build import fit_state
from restock.features.cold import cold_scale, fit_cold_effects
from support.builders import features, make_features, panel

TYPICAL = 10.0


def scale(codes: list[int], kinds: np.ndarray, level: np.ndarray) -> np.ndarray:
    effects = fit_cold_effects({"kind": kinds}, {}, level, TYPICAL)
    return cold_scale({"kind": np.array(codes)}, {}, effects, TYPICAL, len(codes))


def test_each_category_has_the_level_of_its_series_drawn_to_the_typical_one() -> None:
    kinds = np.repeat([1, 2], [500, 5])
    level = np.where(kinds == 1, 40.0, 0.4)
    said = scale([1, 2], kinds, level)
    assert said[0] == pytest.approx(40, rel=0.02)
    assert said[1] == pytest.approx(0.4, rel=0.5)


def test_a_category_that_says_nothing_stays_near_the_typical_level() -> None:
    rng = np.random.default_rng(0)
    kinds, level = np.repeat(np.arange(1, 41), 3), TYPICAL * np.exp(rng.normal(0, 1, size=120))
    said = np.log(scale(list(range(1, 41)), kinds, level) / TYPICAL)
    found = np.log(level / TYPICAL).reshape(40, 3).mean(axis=1)
    assert np.abs(said).mean() < 0.4 * np.abs(found).mean()


def test_an_unknown_category_has_the_typical_level() -> None:
    kinds, level = np.repeat([0, 1], 20), np.repeat([TYPICAL, 90.0], 20)
    assert scale([0, 7], kinds, level).tolist() == [TYPICAL, TYPICAL]


def test_columns_that_say_the_same_are_not_counted_twice() -> None:
    kinds, level = np.repeat([1, 2], 200), np.repeat([100.0, 1.0], 200)
    codes = {"kind": kinds, "the same again": kinds}
    effects = fit_cold_effects(codes, {}, level, TYPICAL)
    said = cold_scale(codes, {}, effects, TYPICAL, 400)
    np.testing.assert_allclose(said, level, rtol=0.1)


def test_a_number_moves_the_level_by_its_slope() -> None:
    size = np.linspace(-2, 2, 200)
    effects = fit_cold_effects({}, {"size": size}, TYPICAL * np.exp(0.8 * size), TYPICAL)
    assert effects["size"] == pytest.approx((0.8,), rel=0.05)
    found = cold_scale({}, {"size": np.array([1.0])}, effects, TYPICAL, 1)
    assert found[0] == pytest.approx(TYPICAL * np.exp(effects["size"][0]))


def test_without_static_columns_or_any_demand_there_is_the_typical_level_alone() -> None:
    assert fit_cold_effects({}, {}, np.ones(3), TYPICAL) == {}
    assert fit_cold_effects({"kind": np.array([1, 1])}, {}, np.zeros(2), TYPICAL) == {}
    assert cold_scale({}, {}, {}, TYPICAL, 2).tolist() == [TYPICAL, TYPICAL]


def test_the_zeros_before_a_launch_lower_no_category() -> None:
    demand = np.full((12, 40), 20.0)
    demand[6:, :30] = 0.0  # launched at 30
    kinds = panel(12, 40).static.assign(kind=["old"] * 6 + ["new"] * 6)
    base = panel(12, 40, demand=demand, static=kinds)
    state = fit_state(base, features(min_category_count=1), np.full(12, 35))
    made = make_features(base, features(min_category_count=1), state, 2).cold_scale
    np.testing.assert_allclose(made, 20.0, rtol=0.3)
