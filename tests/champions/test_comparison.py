"""The paired bootstrap, against SciPy's and against what is true."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from restock.champions.comparison import compare
from restock.errors import IntegrityError
from support.losses import losses

DRAWS = {"num_resamples": 1000, "seed": 1}


def test_the_same_losses_save_nothing_and_win_nothing() -> None:
    loss = np.random.default_rng(0).gamma(2.0, size=(30, 3))
    found = compare(losses("a", loss), losses("b", loss), **DRAWS)
    assert (found.saving, found.low, found.high, found.won) == (0.0, 0.0, 0.0, 0.0)


def test_half_the_loss_everywhere_saves_half_for_sure() -> None:
    loss = np.random.default_rng(0).gamma(2.0, size=(30, 3))
    found = compare(losses("a", loss / 2), losses("b", loss), **DRAWS)
    assert (found.saving, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert found.won == 1.0


def test_with_one_origin_it_is_scipys_bootstrap_over_series() -> None:
    random = np.random.default_rng(3)
    theirs = random.gamma(2.0, size=(60, 1))
    ours = theirs * random.uniform(0.7, 1.2, size=(60, 1))
    found = compare(losses("a", ours), losses("b", theirs), num_resamples=4000, seed=1)
    oracle = scipy.stats.bootstrap(
        (ours[:, 0], theirs[:, 0]),
        lambda a, b, axis: 1 - a.sum(axis=axis) / b.sum(axis=axis),
        paired=True, confidence_level=0.9, method="percentile", n_resamples=4000, vectorized=True,
        rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    width = oracle.high - oracle.low
    assert found.low == pytest.approx(oracle.low, abs=0.1 * width)
    assert found.high == pytest.approx(oracle.high, abs=0.1 * width)


def test_what_moves_all_series_of_an_origin_makes_it_less_sure() -> None:
    random = np.random.default_rng(4)
    theirs = random.gamma(2.0, size=(200, 6))
    by_cell = theirs * random.uniform(0.6, 1.2, size=(200, 6))
    by_origin = theirs * random.uniform(0.6, 1.2, size=(1, 6))
    alone = compare(losses("a", by_cell), losses("b", theirs), **DRAWS)
    shared = compare(losses("a", by_origin), losses("b", theirs), **DRAWS)
    assert shared.high - shared.low > 3 * (alone.high - alone.low)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    held = []
    for seed in range(60):
        series, origins = random.normal(0, 0.2, (80, 1)), random.normal(0, 0.1, (1, 12))
        theirs = np.full((80, 12), 1.0)
        ours = np.clip(0.9 + series + origins + random.normal(0, 0.2, (80, 12)), 0.01, None)
        found = compare(losses("a", ours), losses("b", theirs), num_resamples=400, seed=seed)
        held.append(found.low <= 0.1 <= found.high)
    assert 0.8 <= np.mean(held) <= 1.0


def test_other_folds_are_refused() -> None:
    loss = np.ones((4, 2))
    with pytest.raises(IntegrityError, match="not scored on the same test folds"):
        compare(losses("a", loss), losses("b", loss, demand=2 * loss), **DRAWS)
    with pytest.raises(IntegrityError, match="not scored on the same test folds"):
        compare(losses("a", loss), losses("b", np.ones((5, 2))), **DRAWS)


def test_a_rival_without_loss_is_not_beaten() -> None:
    nothing = np.zeros((4, 2))
    assert compare(losses("a", nothing), losses("b", nothing), **DRAWS).saving == 0.0
    assert compare(losses("a", nothing + 1), losses("b", nothing), **DRAWS).saving < 0.0
