"""From a network's relative answers to units."""

from __future__ import annotations

import numpy as np

from restock.forecasters.assemble import negligible_demand, plausible_ceiling
from support.builders import panel


def test_the_ceiling_is_twice_the_most_ever_seen_of_a_grown_series() -> None:
    demand = np.zeros((3, 60))
    demand[0, 10] = 8.0
    demand[0, 59] = 999.0  # after the origin
    demand[1, :40] = np.nan  # young
    ceiling = plausible_ceiling(panel(3, 60, demand=demand), np.full(3, 58))
    assert ceiling.tolist() == [16.0, np.inf, 1.0]


def test_what_was_sold_out_throughout_has_no_ceiling() -> None:
    stock = np.ones((2, 60), dtype=bool)
    stock[0] = False
    base = panel(2, 60, demand=np.zeros((2, 60)), in_stock=stock)
    assert plausible_ceiling(base, np.full(2, 58)).tolist() == [np.inf, 1.0]


def test_less_than_half_the_smallest_demand_counts_as_none() -> None:
    demand = np.full((3, 20), 6.0)
    demand[0, 5] = 0.0
    demand[0, 6] = 4.0
    demand[0, 19] = 0.1  # after the origin
    demand[1] = 0.0
    scale = np.array([5.0, 0.3, 5.0])
    least = negligible_demand(panel(3, 20, demand=demand), np.full(3, 18), scale)
    assert least.tolist() == [2.0, 0.3, 0.0]


def test_what_a_sold_out_launch_sold_counts_as_demand() -> None:
    demand, stock = np.zeros((1, 20)), np.ones((1, 20), dtype=bool)
    demand[0, 10:], stock[0, 10:] = 6.0, False
    base = panel(1, 20, demand=demand, in_stock=stock)
    assert negligible_demand(base, np.array([18]), np.array([50.0])).tolist() == [3.0]
