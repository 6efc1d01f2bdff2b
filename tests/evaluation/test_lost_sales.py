"""Lost sales, where what was lost is known."""

from __future__ import annotations

import numpy as np
import pytest

from restock.evaluation.lost_sales import expected_demand, lost_sales
from support.builders import panel


def test_a_loss_worked_out_by_hand() -> None:
    demand = np.array([[4.0, 6.0, 1.0, 9.0, 5.0], [3.0, 3.0, 3.0, 3.0, 3.0]])
    in_stock = np.array([[True, True, False, False, True], [True] * 5])
    table = lost_sales(panel(2, 5, demand=demand, in_stock=in_stock), window=2)
    # Expected 5, sold 1; then expected 6 (the one period in stock), sold 9: nothing lost.
    assert table.to_numpy().tolist() == [["S000", 2, 2, 4.0]]


def test_what_a_simulated_shop_lost_is_found_within_a_tenth() -> None:
    rng = np.random.default_rng(0)
    shape = (50, 200)
    wanted = rng.poisson(rng.uniform(20, 60, size=(50, 1)), size=shape).astype(float)
    in_stock = rng.random(shape) > 0.15
    sold = np.where(in_stock, wanted, np.floor(wanted * rng.uniform(0, 0.5, size=shape)))
    table = lost_sales(panel(*shape, demand=sold, in_stock=in_stock), window=8)
    known = (wanted - sold)[:, 1:].sum()  # nothing stands before the first period
    assert table["expected_lost_units"].sum() == pytest.approx(known, rel=0.1)


def test_a_long_stock_out_keeps_the_last_level_and_a_first_one_has_none() -> None:
    in_stock = np.array([[False, True, True, False, False, False]])
    demand = np.array([[7.0, 2.0, 4.0, 0.0, 0.0, 0.0]])
    base = panel(1, 6, demand=demand, in_stock=in_stock)
    np.testing.assert_allclose(expected_demand(base, 2)[0], [np.nan, np.nan, 2, 3, 4, 4])
    assert lost_sales(base, 2).loc[0, ["periods_out_of_stock", "periods_estimated"]].tolist() == [
        4,
        3,
    ]


def test_the_expectation_reads_nothing_of_its_own_period() -> None:
    base = panel(2, 20)
    edited = base.demand.copy()
    edited[:, 10:] = 1e6
    after = expected_demand(panel(2, 20, demand=edited), 4)
    np.testing.assert_array_equal(expected_demand(base, 4)[:, :11], after[:, :11])


def test_without_any_stock_out_the_table_is_empty() -> None:
    table = lost_sales(panel(2, 10), 4)
    assert table.empty
    assert "expected_lost_units" in table.columns
