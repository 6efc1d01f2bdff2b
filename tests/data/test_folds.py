"""Folds: where origins stand, and that tuning never touches the test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restock.data import folds
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
    horizon=st.integers(1, 9),
    num_folds=st.integers(1, 4),
    stride=st.integers(1, 6),
    num_tuning=st.integers(1, 4),
    num_steps=st.integers(60, 160),
)
def test_no_tuning_fold_reads_a_target_after_the_first_test_origin(
    horizon: int, num_folds: int, stride: int, num_tuning: int, num_steps: int
) -> None:
    settings = evaluation(
        horizon=horizon, num_folds=num_folds, stride=stride, num_tuning_folds=num_tuning
    )
    base = panel(num_steps=num_steps)
    folds = make_folds(base, settings)
    first_test = folds.test.origins[0]
    for fold in folds.tuning:
        assert (fold.train_end == fold.origins[0]).all()
        assert (fold.origins < first_test).all()
        assert (np.diff(fold.origins, axis=0) > 0).all()
        for number, origins in enumerate(fold.origins):
            known = np.isfinite(fold.actuals(base, number, horizon)).sum(axis=1)
            expected = np.minimum(first_test - origins, horizon)
            assert known.tolist() == expected.tolist()  # all up to there, and none after it
    ends = [int(fold.train_end[0]) for fold in folds.tuning]
    assert ends == sorted(set(ends))
    assert ends[0] <= first_test[0] - horizon  # a whole horizon judges the late steps


def test_a_long_history_has_folds_of_whole_horizons_and_a_short_one_judges_early_steps() -> None:
    def before_the_test(num_steps: int) -> list[list[int]]:
        settings = evaluation(horizon=8, num_folds=1, num_tuning_folds=2)
        folds = make_folds(panel(num_steps=num_steps), settings)
        first = folds.test.origins[0, 0]
        return [[int(first - origin) for origin in fold.origins[:, 0]] for fold in folds.tuning]

    # By hand: 2 of 2 horizons are 16 periods, a quarter of 64.
    assert before_the_test(8 + 64) == [[16, 14, 12, 10], [8, 6, 4, 2]]
    assert before_the_test(8 + 63) == [[8, 6, 4, 2], [2]]


def test_many_series_are_forecast_from_fewer_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "FORECASTS", 800)
    settings = evaluation(horizon=4, num_folds=1, num_tuning_folds=1)
    few, many = (make_folds(panel(count, 40), settings).tuning[0] for count in (200, 400))
    assert (len(few.origins), len(many.origins)) == (4, 2)


def test_a_short_history_uses_fewer_tuning_folds_and_says_so() -> None:
    settings = evaluation(horizon=4, num_folds=1, stride=4, num_tuning_folds=3)
    folds = make_folds(panel(num_steps=11), settings)
    assert [int(fold.train_end[0]) for fold in folds.tuning] == [5]
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
