"""Likelihoods of counts: right to the digit, finite at any size, and decoded into whole units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from restock.errors import DataError
from restock.forecasters.bundle import load_bundle
from restock.forecasters.likelihoods import count_quantiles, decode_counts, require_counts
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.counts import (
    CountLoss,
    log_negative_binomial,
    log_zero_inflated,
)
from restock.forecasters.lstm.fit import LstmEnsemble
from restock.training.fold_features import fit_fold_features
from restock.types.folds import Fold, Folds
from support.builders import HORIZON, LEVELS, panel, recipe_of
from support.bundles import save
from support.networks import END, trained

COUNT_LIKELIHOODS = ["negative_binomial", "zero_inflated_negative_binomial"]


@pytest.fixture(scope="module", autouse=True)
def threads() -> None:
    backend.prepare(1, 1)  # before the first operation


def grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    counts = [0, 1, 2, 7, 50, 1_000, 100_000]
    means = [1e-3, 0.3, 2.0, 40.0, 1e3, 1e5]
    dispersions = [1e-3, 0.05, 0.7, 3.0, 100.0]
    return tuple(np.array(np.meshgrid(counts, means, dispersions), dtype=np.float32))  # type: ignore[return-value]


def test_the_log_probability_is_scipys() -> None:
    count, mean, dispersion = grid()
    size = 1 / dispersion.astype(float)
    expected = nbinom.logpmf(count, size, size / (size + mean))
    found = np.asarray(log_negative_binomial(count, mean, dispersion))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-4)  # computed in float32


@pytest.mark.parametrize("zero_share", [1e-3, 0.4, 0.99])
def test_extra_zeros_are_mixed_in_and_leave_the_mean(zero_share: float) -> None:
    count, mean, dispersion = grid()
    size = 1 / dispersion.astype(float)
    usual = nbinom.logpmf(count, size, size / (size + mean / (1 - zero_share)))
    expected = np.log1p(-zero_share) + usual
    expected = np.where(count == 0, np.logaddexp(np.log(zero_share), expected), expected)
    share = np.full_like(mean, zero_share)
    found = np.asarray(log_zero_inflated(count, mean, dispersion, share))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=5e-4)


def test_the_probabilities_of_all_counts_sum_to_one_around_the_mean() -> None:
    count = np.arange(4000, dtype=np.float32)
    same = np.ones_like(count)
    log_probability = log_zero_inflated(count, 6.0 * same, 0.5 * same, 0.3 * same)
    probability = np.exp(np.asarray(log_probability, dtype=float))
    assert probability.sum() == pytest.approx(1.0, abs=1e-4)
    assert (probability * count).sum() == pytest.approx(6.0, rel=1e-4)


@pytest.mark.parametrize("num_parameters", [2, 3])
@pytest.mark.parametrize("count", [0.0, 1e6, 1e9, 1e12])
def test_the_loss_and_its_gradient_are_finite_for_any_count(
    count: float, num_parameters: int
) -> None:
    import tensorflow as tf

    target = tf.constant([[[[[count, 1.0]], [[count, 1e9]]]]])
    for mean in (1e-6, 1.0, 3e6):
        for dispersion in (1e-3, 150.0):
            parameters = [mean, dispersion, 0.9998][:num_parameters]
            answer = tf.Variable([[[[parameters], [parameters]]]])
            with tf.GradientTape() as tape:
                loss = CountLoss()(target, answer)
            gradient = tape.gradient(loss, answer)
            assert np.isfinite(loss.numpy())
            assert np.isfinite(np.asarray(gradient)).all()


MEANS = st.floats(1e-12, 1e9)
DISPERSIONS = st.floats(1e-3, 150.0)
ZERO_SHARES = st.floats(0.0, 0.9999)


@given(MEANS, DISPERSIONS, ZERO_SHARES)
def test_quantiles_are_whole_rising_and_not_negative(
    mean: float, dispersion: float, zero_share: float
) -> None:
    levels = np.array(LEVELS)
    found = count_quantiles(
        np.array([mean]), np.array([dispersion]), np.array([zero_share]), levels
    )[0]
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (np.diff(found) >= 0).all()
    np.testing.assert_array_equal(found, np.rint(found))
    assert (found[levels <= zero_share] == 0).all()


def test_quantiles_are_those_of_simulated_demand() -> None:
    rng = np.random.default_rng(0)
    mean, dispersion, zero_share, levels = 3.0, 0.8, 0.4, np.array([0.3, 0.5, 0.77, 0.9, 0.97])
    rate = rng.gamma(1 / dispersion, dispersion * mean / (1 - zero_share), size=400_000)
    demand = rng.poisson(rate) * (rng.random(400_000) >= zero_share)
    found = count_quantiles(np.array(mean), np.array(dispersion), np.array(zero_share), levels)
    np.testing.assert_array_equal(found, np.quantile(demand, levels, method="inverted_cdf"))


def test_a_total_has_its_own_parameters_and_counts_all_its_periods() -> None:
    answer = np.full((1, 3, 2, 2), 1e-3)
    answer[..., 0] = 50.0  # times a scale of 2: 100 a period, nearly without dispersion
    units = decode_counts(answer, np.array([2.0]), np.array([0.5]))
    np.testing.assert_allclose(units[0, :, 0, 0], 100, atol=1)
    np.testing.assert_allclose(units[0, :, 1, 0], [100, 200, 300], atol=1)


@pytest.fixture(
    scope="module", params=zip(COUNT_LIKELIHOODS, (1, 2), strict=True), ids=COUNT_LIKELIHOODS
)
def saved(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LstmEnsemble, Path]:
    """One network, and the mean of two."""
    folder = tmp_path_factory.mktemp("counts") / "bundle"
    likelihood, size = request.param
    groups = {"model": {"likelihood": likelihood}, "training": {"ensemble_size": size}}
    ensemble = trained(panel(5, 50), steps=2, **groups)
    save(ensemble, folder)
    return ensemble, folder


def test_the_bundle_answers_as_keras_does(saved: tuple[LstmEnsemble, Path]) -> None:
    ensemble, folder = saved
    base, bundle = panel(5, 50), load_bundle(folder)
    scale = base.demand.mean(axis=1)[:, None, None]
    for origin in (END, 47, 3):
        origins = np.full(5, origin)
        keras, onnx = ensemble.predict(origins), bundle.predict(base, origins)
        assert (np.abs(keras.quantiles - onnx.quantiles) / scale).max() < 1e-5
        assert (np.abs(keras.cumulative - onnx.cumulative) / (3 * scale)).max() < 1e-5
        np.testing.assert_array_equal(onnx.quantiles, np.rint(onnx.quantiles))


def test_parameters_from_onnx_are_those_from_keras(saved: tuple[LstmEnsemble, Path]) -> None:
    import onnxruntime

    ensemble, folder = saved
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    windows = ensemble.members[0].windows
    inputs = windows.prediction_batch(np.arange(5), np.full(5, END)).inputs()
    keras = np.asarray(ensemble.network().predict_on_batch(inputs))
    np.testing.assert_allclose(session.run(None, inputs)[0], keras, rtol=1e-5, atol=1e-6)


def test_the_keras_file_holds_the_same_network(saved: tuple[LstmEnsemble, Path]) -> None:
    import keras

    from restock.forecasters.lstm.network import CUSTOM_OBJECTS

    ensemble, folder = saved
    loaded = keras.models.load_model(folder / "model.keras", CUSTOM_OBJECTS, compile=False)
    inputs = ensemble.members[0].windows.prediction_batch(np.arange(5), np.full(5, END)).inputs()
    np.testing.assert_array_equal(
        np.asarray(loaded.predict_on_batch(inputs)),
        np.asarray(ensemble.network().predict_on_batch(inputs)),
    )


def test_demand_that_is_no_count_is_refused_by_series_and_period() -> None:
    demand = panel(3, 50).demand.copy()
    demand[1, 7] = 2.5
    base, recipe = (
        panel(3, 50, demand=demand),
        recipe_of(model={"likelihood": "negative_binomial"}),
    )
    message = r"S001, 2020-02-23: demand 2.5 is not a count.*model.likelihood=quantiles"
    with pytest.raises(DataError, match=message):
        LstmEnsemble(recipe, HORIZON, base, np.full(3, END))
    fold = Fold("tune", np.full(3, END), np.full((1, 3), END), np.full(3, 10**6))
    with pytest.raises(DataError, match=message):  # before a sweep, not once a trial
        fit_fold_features(base, Folds(3, (fold,), fold), recipe.features, recipe.model.likelihood)


def test_what_is_not_trained_on_need_not_be_a_count() -> None:
    demand = panel(3, 50).demand.copy()
    demand[0, END + 1] = 2.5  # after the end of training
    demand[1, 7] = np.nan
    demand[2, 7] = np.exp(np.log(7.0))  # whole up to the rounding of a logarithm
    base = panel(3, 50, demand=demand)
    require_counts(base, np.full(3, END), "negative_binomial")
    require_counts(base, np.full(3, END + 1), "quantiles")
    with pytest.raises(DataError, match="S000"):
        require_counts(base, np.full(3, END + 1), "negative_binomial")
