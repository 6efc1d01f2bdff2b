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


def test_less_than_half_the_smallest_demand_counts_as_none() -> None:
    demand = np.full((3, 20), 6.0)
    demand[0, 5] = 0.0
    demand[0, 6] = 4.0
    demand[0, 19] = 0.1  # after the origin
    demand[1] = 0.0
    scale = np.array([5.0, 0.3, 5.0])
    least = negligible_demand(panel(3, 20, demand=demand), np.full(3, 18), scale)
    assert least.tolist() == [2.0, 0.3, 0.0]
