"""From a network's relative answers to units."""

from __future__ import annotations

import numpy as np

from restock.forecasters.assemble import plausible_ceiling
from support.builders import panel


def test_the_ceiling_is_twice_the_most_ever_seen_of_a_grown_series() -> None:
    demand = np.zeros((3, 60))
    demand[0, 10] = 8.0
    demand[0, 59] = 999.0  # after the origin
    demand[1, :40] = np.nan  # young
    ceiling = plausible_ceiling(panel(3, 60, demand=demand), np.full(3, 58))
    assert ceiling.tolist() == [16.0, np.inf, 1.0]
