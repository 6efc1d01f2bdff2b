"""Folds: where origins stand, and that tuning never touches the test."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restock.data.folds import make_folds
from restock.errors import DataError
from support.builders import evaluation, panel


def test_last_test_origin_leaves_exactly_the_horizon() -> None:
    settings = evaluation(horizon=4, num_folds=3, stride=4, num_tuning_folds=2)
    folds = make_folds(panel(num_steps=60), settings)
    # By hand: positions 0..59; the last forecast covers 56..59, so its origin is 55.
    assert folds.test.origins[:, 0].tolist() == [47, 51, 55]
    assert folds.test.train_end.tolist() == [47, 47]
    assert [fold.origins[0, 0] for fold in folds.tuning] == [39, 43]


@given(
    horizon=st.integers(1, 6),
    num_folds=st.integers(1, 4),
    stride=st.integers(1, 6),
    num_tuning=st.integers(1, 4),
)
def test_every_tuning_target_lies_at_or_before_the_first_test_origin(
    horizon: int, num_folds: int, stride: int, num_tuning: int
) -> None:
    settings = evaluation(
        horizon=horizon, num_folds=num_folds, stride=stride, num_tuning_folds=num_tuning
    )
    folds = make_folds(panel(num_steps=80), settings)
    first_test = folds.test.origins[0]
    last_targets = [fold.origins[0] + horizon for fold in folds.tuning]
    assert all((last <= first_test).all() for last in last_targets)
    # One horizon apart at least: no period is scored by two tuning folds.
    origins = [int(fold.origins[0, 0]) for fold in folds.tuning]
    assert all(later - earlier >= horizon for earlier, later in pairwise(origins))
    assert all((fold.train_end <= fold.origins[0]).all() for fold in folds.tuning)


def test_a_short_history_uses_fewer_tuning_folds_and_says_so() -> None:
    settings = evaluation(horizon=4, num_folds=1, stride=4, num_tuning_folds=3)
    folds = make_folds(panel(num_steps=15), settings)
    assert len(folds.tuning) == 1
    assert any("1 tuning fold(s) instead of 3" in note for note in folds.notes)


def test_a_horizon_longer_than_the_history_is_an_error_with_both_numbers() -> None:
    settings = evaluation(horizon=50, num_folds=1, stride=1)
    with pytest.raises(DataError, match=r"needs 52 periods.*longest series has 40"):
        make_folds(panel(num_steps=40), settings)


def test_series_end_counts_back_from_each_series_own_last_value() -> None:
    base = panel(num_steps=40)
    demand = base.demand.copy()
    demand[1, 30:] = np.nan
    settings = evaluation(horizon=3, num_folds=2, stride=3, align="series_end")
    folds = make_folds(panel(num_steps=40, demand=demand), settings)
    assert folds.test.origins.tolist() == [[33, 23], [36, 26]]


def test_a_series_too_short_to_test_is_listed_and_takes_no_part() -> None:
    demand = panel(num_steps=40).demand.copy()
    demand[1, :37] = np.nan
    settings = evaluation(horizon=3, num_folds=1, stride=3)
    folds = make_folds(panel(num_steps=40, demand=demand), settings)
    assert folds.test.origins[0].tolist() == [36, -1]
    assert any("S001" in note for note in folds.notes)
