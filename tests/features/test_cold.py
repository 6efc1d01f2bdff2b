"""The scale of a product that was never sold, from those that are like it."""

from __future__ import annotations

import numpy as np
import pytest

from restock.features.cold import cold_parts, fit_cold
from restock.features.fit import fit_state
from support.builders import features, make_features, panel

Columns = dict[str, np.ndarray]


def scales(codes: Columns, numbers: Columns, of: tuple[Columns, Columns, np.ndarray]) -> np.ndarray:
    """Cold scales of series, by what others have taught."""
    size = len(next(iter([*codes.values(), *numbers.values()])))
    return np.exp(cold_parts(codes, numbers, *fit_cold(*of), size).sum(axis=1))


def test_each_category_has_the_level_of_its_series() -> None:
    kinds = np.repeat([1, 2], [500, 5])
    level = np.where(kinds == 1, 40.0, 0.4)
    said = scales({"kind": np.array([1, 2])}, {}, ({"kind": kinds}, {}, level))
    np.testing.assert_allclose(said, [40, 0.4], rtol=0.6)


def test_a_category_that_says_nothing_stays_near_the_typical_level() -> None:
    rng = np.random.default_rng(0)
    kinds, level = np.repeat(np.arange(1, 41), 3), 10 * np.exp(rng.normal(0, 1, size=120))
    said = scales({"kind": np.arange(1, 41)}, {}, ({"kind": kinds}, {}, level))
    found = np.log(level / np.median(level)).reshape(40, 3).mean(axis=1)
    assert np.abs(np.log(said / np.median(level))).mean() < 0.4 * np.abs(found).mean()


def test_an_unknown_category_has_the_level_of_half_of_the_series() -> None:
    of = ({"kind": np.repeat([0, 1], [21, 20])}, {}, np.repeat([10.0, 90.0], [21, 20]))
    np.testing.assert_allclose(scales({"kind": np.array([0, 7])}, {}, of), 10)


def test_columns_that_say_the_same_are_not_counted_twice() -> None:
    kinds, level = np.repeat([1, 2], 200), np.repeat([100.0, 1.0], 200)
    codes = {"kind": kinds, "the same again": kinds}
    np.testing.assert_allclose(scales(codes, {}, (codes, {}, level)), level, rtol=0.1)


def test_a_number_moves_the_level_by_its_slope_and_is_not_extrapolated() -> None:
    size = np.linspace(-2, 2, 201)
    of = ({}, {"size": size}, 10 * np.exp(0.8 * size))
    said = scales({}, {"size": np.array([1.0, 2.0, 9.0])}, of)
    np.testing.assert_allclose(said, 10 * np.exp([0.8, 1.6, 1.6]), rtol=0.05)


def test_without_static_columns_or_any_demand_there_is_one_level() -> None:
    assert fit_cold({}, {}, np.array([0.0, 3.0, 5.0])) == (4.0, {})
    assert fit_cold({"kind": np.array([1, 1])}, {}, np.zeros(2)) == (1.0, {})
    np.testing.assert_allclose(np.exp(cold_parts({}, {}, 4.0, {}, 2)), 4.0)


@pytest.mark.parametrize("left_out", [[], ["static kind"]])
def test_the_zeros_before_a_launch_lower_no_level(left_out: list[str]) -> None:
    demand = np.full((12, 40), 20.0)
    demand[:, :30] = 0.0  # launched at 30
    base = panel(12, 40, demand=demand)
    chosen = features(min_category_count=1, leave_out=left_out)
    state = fit_state(base, chosen, np.full(12, 35))
    parts = make_features(base, chosen, state, 2).cold_parts
    np.testing.assert_allclose(np.exp(parts.sum(axis=1)), 20.0, rtol=1e-5)
