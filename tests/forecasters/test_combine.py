"""Whatever comes in, what is mixed, calibrated or decoded are quantiles: rising, not negative."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from restock.forecasters.assemble import to_units
from restock.forecasters.combine import Combination
from restock.types.forecast import DemandForecast
from support.builders import LEVELS, panel

N, H, Q = 2, 3, len(LEVELS)
ORIGINS = np.full(N, 30)
# What a network may answer: anything, but rising along the levels but for rounding.
ANSWERS = arrays(np.float64, (N, H, 2, Q), elements=st.floats(-12, 12, width=32)).map(
    lambda values: np.sort(values, axis=3)
)
SCALES = arrays(np.float64, (N,), elements=st.floats(1e-6, 1e6))
READ = arrays(np.float64, (Q,), elements=st.floats(0, 1)).map(lambda v: sorted(map(float, v)))


def forecast(answer: np.ndarray, scale: np.ndarray) -> DemandForecast:
    return to_units(answer, scale, panel(N, 40), ORIGINS, np.array(LEVELS))


def assert_quantiles(made: DemandForecast) -> None:
    for values in (made.quantiles, made.cumulative):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert (np.diff(values, axis=2) >= 0).all()
    assert (np.diff(made.cumulative, axis=1) >= 0).all()
    np.testing.assert_array_equal(made.cumulative[:, 0], made.quantiles[:, 0])


@given(ANSWERS, SCALES)
def test_what_a_network_says_becomes_quantiles(answer: np.ndarray, scale: np.ndarray) -> None:
    assert_quantiles(forecast(answer, scale))


@given(st.tuples(ANSWERS, ANSWERS), SCALES, st.floats(0, 1), st.tuples(READ, READ), st.booleans())
def test_a_mix_that_is_calibrated_is_one_of_quantiles(
    answers: tuple[np.ndarray, np.ndarray],
    scale: np.ndarray,
    share: float,
    read: tuple[list[float], list[float]],
    cold: bool,
) -> None:
    weights = {"lstm": share, "ses": 1 - share}
    forecasts = {
        name: forecast(answer, scale) for name, answer in zip(weights, answers, strict=True)
    }
    made = Combination(weights, *read).apply(forecasts, np.array([cold, False]))
    assert_quantiles(made)


@given(ANSWERS, ANSWERS, SCALES)
def test_a_cold_series_is_the_networks_alone(
    ours: np.ndarray, other: np.ndarray, scale: np.ndarray
) -> None:
    network, ses = forecast(ours, scale), forecast(other, scale)
    apply = Combination({"lstm": 0.5, "ses": 0.5}, LEVELS, LEVELS).apply
    made = apply({"lstm": network, "ses": ses}, np.array([True, False]))
    alone = apply({"lstm": network, "ses": network})
    mixed = apply({"lstm": network, "ses": ses})
    np.testing.assert_array_equal(made.quantiles[0], alone.quantiles[0])
    np.testing.assert_array_equal(made.cumulative[1], mixed.cumulative[1])
