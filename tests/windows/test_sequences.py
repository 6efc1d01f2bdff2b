"""Windows: what a network is shown and taught never crosses the training end or an origin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restock.errors import DataError
from restock.features.fit import fit_state
from restock.features.maker import FeatureMaker, HeldFeatures, feature_source
from restock.features.raw import memory
from restock.settings.windows import WindowSettings
from restock.types.panel import DemandPanel
from restock.windows.sequences import WindowMaker
from support.builders import features, make_features, panel

FEATURES = features(calendar=["week"], seasonal_lag=10)


def maker(base: DemandPanel, end: int, **changes: int) -> WindowMaker:
    ends = np.full(base.num_series, end)
    state = fit_state(base, FEATURES, ends)
    made = HeldFeatures(make_features(base, FEATURES, state, 4))
    return WindowMaker(made, base.first_seen, state.typical_scale, 4, WindowSettings(**changes))


def batches(  # type: ignore[no-untyped-def]
    windows: WindowMaker, end: int, size: int = 2, seed: int = 0
):
    """One pass over all series that can teach."""
    ends, rng = np.full(len(windows.first), end), np.random.default_rng(seed)
    rows = windows.trainable(ends)
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [windows.training_batch(part, ends, 0.0, rng) for part in parts]


@given(end=st.integers(12, 36), lookback=st.integers(4, 50))
def test_training_never_reads_or_teaches_what_lies_after_its_end(end: int, lookback: int) -> None:
    base = panel(3, 40)
    demand = base.demand.copy()
    demand[:, end + 1 :] = 1e6
    edited = panel(3, 40, demand=demand)
    first = batches(maker(base, end, lookback=lookback), end)
    second = batches(maker(edited, end, lookback=lookback), end)
    for a, b in zip(first, second, strict=True):
        for name, values in a.inputs.inputs().items():
            np.testing.assert_array_equal(values, b.inputs.inputs()[name])
        np.testing.assert_array_equal(a.target, b.target)
        np.testing.assert_array_equal(a.loss_mask, b.loss_mask)
        assert a.loss_mask.any()


def test_targets_are_the_periods_right_after_each_origin() -> None:
    base = panel(1, 40)
    windows = maker(base, 30, lookback=30, num_origins=100)
    (batch,) = batches(windows, 30, 1)
    scale = batch.inputs.scale[0]
    mask = (batch.loss_mask[0, :, 0, 0] > 0) & (batch.inputs.origin_index[0] > 0)
    # A sequence of length 30 ends at origin 29: place 1 + i, after "no history", is position i.
    origins = batch.inputs.origin_index[0][mask] - 1
    units = batch.target[0, mask, 0, 0] * scale[mask]
    np.testing.assert_allclose(units, base.demand[0, origins + 1], rtol=1e-5)
    running = batch.target[0, mask, 3, 1] * scale[mask] * 4
    whole = batch.loss_mask[0, mask, 3, 1] > 0
    totals = np.array([base.demand[0, o + 1 : o + 5].sum() for o in origins])
    np.testing.assert_allclose(running[whole], totals[whole], rtol=1e-5)


def test_a_stock_out_teaches_nothing() -> None:
    stock = np.ones((1, 40), dtype=bool)
    stock[0, 20:25] = False
    windows = maker(panel(1, 40, in_stock=stock), 35, lookback=35, num_origins=100)
    (batch,) = batches(windows, 35, 1)
    places = batch.inputs.origin_index[0][:, None] - 1 + np.arange(1, 5)[None, :]
    mask = batch.loss_mask[0, :, :, 0] > 0
    assert not np.isin(places[mask], np.arange(20, 25)).any()
    assert np.isin(places, np.arange(20, 25)).any()


def test_a_window_ends_at_its_origin_and_is_padded_on_the_left() -> None:
    base = panel(2, 40)
    windows = maker(base, 30, lookback=12)
    batch = windows.prediction_batch(np.array([0, 1]), np.array([30, 5]))
    np.testing.assert_array_equal(batch.past[0, 1:], windows.features.features.past[0, 19:31])
    np.testing.assert_array_equal(batch.past[1, 7:], windows.features.features.past[1, :6])
    assert not batch.past[1, :7].any()
    assert not batch.past[:, 0].any()  # the step that stands for "no history"
    assert batch.origin_index.tolist() == [[12], [12]]


def test_the_last_anchor_is_the_value_one_season_before_each_target() -> None:
    base = panel(1, 40)
    batch = maker(base, 30).prediction_batch(np.array([0]), np.array([30]))
    before = base.demand[0, 21:25] / batch.scale[0, 0]
    np.testing.assert_allclose(batch.anchors[0, 0, :, 0, -1], np.arcsinh(before), rtol=1e-5)
    running = np.cumsum(before) / np.arange(1, 5)
    np.testing.assert_allclose(batch.anchors[0, 0, :, 1, -1], np.arcsinh(running), rtol=1e-5)


def test_an_origin_before_the_first_period_sees_nothing_of_the_series() -> None:
    demand = panel(2, 40).demand.copy()
    demand[:, :20] = np.nan
    other = demand.copy()
    other[:, 20:] = 1e6
    first, second = (
        maker(panel(2, 40, demand=values), 10).prediction_batch(np.arange(2), np.full(2, 19))
        for values in (demand, other)
    )
    assert first.origin_index.tolist() == [[0], [0]]
    for name, values in first.inputs().items():
        np.testing.assert_array_equal(values, second.inputs()[name])
    np.testing.assert_array_equal(first.scale, second.scale)


def test_some_sequences_teach_to_answer_without_history() -> None:
    base = panel(40, 40)
    (batch,) = batches(maker(base, 30), 30, 40)
    cold = batch.inputs.origin_index == 0
    assert 0 < cold.any(axis=1).sum() < 40
    assert cold.sum(axis=1).max() == 1
    assert cold.any(axis=0).sum() > 1  # not always the same place of a sequence
    assert (batch.loss_mask[cold][:, 0, 0] > 0).any()
    np.testing.assert_allclose(batch.inputs.anchors[cold], np.arcsinh(1.0), rtol=1e-6)


def test_some_categories_are_hidden_in_training_and_none_in_prediction() -> None:
    demand = np.repeat([[5.0], [100.0]], 20, axis=0) * np.ones((40, 40))
    kinds = panel(40, 40).static.assign(kind=["small"] * 20 + ["large"] * 20)
    windows = maker(panel(40, 40, demand=demand, static=kinds), 30)
    shown = [batch.inputs for seed in range(5) for batch in batches(windows, 30, 40, seed)]
    codes = np.concatenate([inputs.static_codes[:, 0] for inputs in shown])
    assert set(codes) == {0, 1, 2}
    # Where it is hidden, a cold origin has the scale of a series of which nothing is known.
    scale = np.concatenate([inputs.scale for inputs in shown])
    cold = np.concatenate([inputs.origin_index for inputs in shown]) == 0
    of_kind = [np.unique(scale[(codes == code)[:, None] & cold].round(3)) for code in range(3)]
    assert [len(found) for found in of_kind] == [1, 1, 1]
    assert len(np.unique(np.concatenate(of_kind))) == 3
    assert (windows.prediction_batch(np.arange(40), np.full(40, 30)).static_codes > 0).all()


def test_a_cold_origin_is_one_that_counts() -> None:
    windows = maker(panel(60, 8), 5, num_origins=26)  # few origins, the others only fill up
    (batch,) = batches(windows, 5, 60)
    mask = (batch.loss_mask[..., 0, 0] > 0) & (batch.inputs.origin_index == 0)
    assert 5 <= mask.any(axis=1).sum() <= 30  # about a quarter of the sequences


def test_without_a_period_in_stock_there_is_nothing_to_teach() -> None:
    windows = maker(panel(3, 40, in_stock=np.zeros((3, 40), dtype=bool)), 30)
    with pytest.raises(DataError, match="at least two periods, the first in stock"):
        batches(windows, 30)


def test_a_series_sold_out_from_the_start_is_as_cold_as_one_without_history() -> None:
    stock, demand = np.ones((3, 40), dtype=bool), panel(3, 40).demand.copy()
    stock[:2] = False
    demand[0] = 0.0  # the second sold what came in, every week
    base = panel(3, 40, in_stock=stock, demand=demand)
    batch = maker(base, 30).prediction_batch(np.arange(3), np.full(3, 30))
    assert batch.origin_index[:2].tolist() == [[0], [0]]
    np.testing.assert_allclose(batch.scale[:2, 0], demand[2, :31].mean(), rtol=1e-5)


def test_a_series_that_sold_nothing_while_in_stock_is_not_cold() -> None:
    demand = panel(2, 40).demand.copy()
    demand[0] = 0.0
    windows = maker(panel(2, 40, demand=demand), 30)
    batch = windows.prediction_batch(np.arange(2), np.full(2, 30))
    assert batch.origin_index[0, 0] > 0
    assert batch.scale[0, 0] < 0.1 * windows.typical_scale


def test_windows_made_on_demand_are_those_of_features_held_at_once() -> None:
    base = panel(5, 40)
    state = fit_state(base, FEATURES, np.full(5, 30))
    rows, origins = np.array([3, 1, 3]), np.array([30, 38, 2])
    batches = [
        WindowMaker(
            source, base.first_seen, state.typical_scale, 4, WindowSettings(lookback=12)
        ).prediction_batch(rows, origins)
        for source in (
            HeldFeatures(make_features(base, FEATURES, state, 4)),
            FeatureMaker(base, FEATURES, state, 4),
        )
    ]
    for name, values in batches[0].inputs().items():
        np.testing.assert_array_equal(values, batches[1].inputs()[name])
    np.testing.assert_array_equal(batches[0].scale, batches[1].scale)


def test_a_window_of_a_long_series_reads_no_further_than_its_memory() -> None:
    base = panel(2, 700)
    old = base.demand.copy()
    reach = memory(FEATURES) + 12
    old[:, : 600 - reach + 1] = 1e6
    at_the_edge = base.demand.copy()
    at_the_edge[:, 600 - reach + 1] = 1e6
    state = fit_state(base, FEATURES, np.full(2, 600))

    def window(demand: np.ndarray) -> dict[str, np.ndarray]:
        source = feature_source(panel(2, 700, demand=demand), FEATURES, state, 4)
        windows = WindowMaker(source, base.first_seen, 1.0, 4, WindowSettings(lookback=12))
        return windows.prediction_batch(np.arange(2), np.full(2, 600)).inputs()

    before, after, moved = window(base.demand), window(old), window(at_the_edge)
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name])
    assert (before["past"] != moved["past"]).any()  # the edit can arrive: the test can fail


def test_a_pair_is_a_window_of_one_origin_with_its_targets() -> None:
    windows = maker(panel(3, 40), 30, lookback=5)
    rows, origins = np.array([0, 2, 2]), np.array([20, 20, 29])
    batch = windows.pairs(rows, origins, np.full(3, 30))
    np.testing.assert_array_equal(
        batch.inputs.past[1], windows.prediction_batch(rows, origins).past[1]
    )
    scale = windows.features.features.scale[2, 20]
    ahead = windows.features.features.demand[2, 21:25]
    np.testing.assert_allclose(batch.target[1, 0, :, 0] * scale, ahead, rtol=1e-5)
    np.testing.assert_allclose(batch.target[1, 0, -1, 1] * scale, ahead.mean(), rtol=1e-5)
    assert batch.loss_mask[2, 0].tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]  # 30 is the end
