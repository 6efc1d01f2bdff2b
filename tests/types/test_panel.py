"""The panel's one answer to what was demanded after an origin, by hand."""

from __future__ import annotations

import numpy as np

from restock.types.panel import DemandPanel
from support.builders import panel

NAN = np.nan
DEMAND = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [10.0, NAN, 30.0, 40.0, 50.0]])
IN_STOCK = np.array([[True, True, True, False, True], [True, True, True, True, True]])


def small() -> DemandPanel:
    return panel(2, 5, demand=DEMAND, in_stock=IN_STOCK)


def test_each_series_has_its_own_origin() -> None:
    found = small().actuals(np.array([0, 1]), 2)
    np.testing.assert_array_equal(found, [[2, 3], [30, 40]])


def test_what_was_sold_out_or_unseen_or_lies_beyond_the_history_is_unknown() -> None:
    found = small().actuals(np.array([2, 0]), 5)
    np.testing.assert_array_equal(found, [[NAN, 5, NAN, NAN, NAN], [NAN, 30, 40, 50, NAN]])


def test_a_series_without_an_origin_takes_no_part() -> None:
    found = small().actuals(np.array([-1, 3]), 1)
    np.testing.assert_array_equal(found, [[NAN], [50]])


def test_rows_may_be_asked_for_in_any_order_and_more_than_once() -> None:
    found = small().actuals(np.array([3, 3, 1]), 1, rows=np.array([1, 0, 1]))
    np.testing.assert_array_equal(found, [[50], [5], [30]])
