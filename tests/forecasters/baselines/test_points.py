"""Simple point forecasts, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from restock.forecasters.baselines import intermittent
from restock.forecasters.baselines.simple import point_forecasts
from support.builders import baselines as settings_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("naive", [6, 6, 6]),
        ("seasonal_naive", [3, 9, 1]),  # four before each target
        ("moving_mean", [16 / 3, 16 / 3, 16 / 3]),  # of 9, 1, 6
        ("moving_median", [6, 6, 6]),  # of 9, 1, 6
        ("ses", [4.29376, 4.29376, 4.29376]),  # l = 0.8 l + 0.2 y, from l = 4
    ],
)
def test_points_equal_those_worked_out_by_hand(name: str, expected: list[float]) -> None:
    demand = np.array([[4.0, 2.0, 3.0, 9.0, 1.0, 6.0]])
    forecast = point_forecasts(settings_of(seasonal_period=4, moving_window=3))[name](demand, 3)
    np.testing.assert_allclose(np.broadcast_to(forecast, (1, 6, 3))[0, -1], expected)


def test_croston_and_tsb_equal_those_worked_out_by_hand() -> None:
    demand = np.array([[0.0, 4.0, 0.0, 0.0, 2.0]])
    # Croston: size 4, then 4 + 0.5 (2 - 4) = 3; interval 2, then 2 + 0.5 (3 - 2) = 2.5.
    assert intermittent.croston(demand, 1, smoothing=0.5)[0, -1, 0] == pytest.approx(3 / 2.5)
    # TSB: chance 0, 0.5, 0.25, 0.125, 0.5625; size 4, then 3.
    assert intermittent.tsb(demand, 1, smoothing=0.5)[0, -1, 0] == pytest.approx(0.5625 * 3)


def test_sba_is_croston_less_its_bias() -> None:
    demand = np.array([[0.0, 4.0, 0.0, 0.0, 2.0]])
    # Croston says 3 / 2.5 (above); Syntetos and Boylan take half the smoothing off.
    assert intermittent.sba(demand, 1, smoothing=0.5)[0, -1, 0] == pytest.approx(0.75 * 3 / 2.5)


def test_croston_is_biased_upwards_and_sba_is_not() -> None:
    # Syntetos and Boylan (2005): with demand of one unit at random times Croston's mean forecast
    # is too high by about (1 - 1 / 4) smoothing / (2 - smoothing) = 13 %; theirs is nearly right.
    rng = np.random.default_rng(0)
    demand = (rng.random((400, 300)) < 0.25).astype(float)
    last = intermittent.croston(demand, 1, smoothing=0.3)[:, 100:, 0].mean()
    assert last > 0.25 * 1.08
    corrected = intermittent.sba(demand, 1, smoothing=0.3)[:, 100:, 0].mean()
    assert corrected == pytest.approx(0.25, rel=0.05)
