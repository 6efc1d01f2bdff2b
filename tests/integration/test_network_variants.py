"""Networks of other kinds: more layers and dropout, other precision, very large counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restock.forecasters.bundle import load_bundle
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble
from restock.types.panel import DemandPanel
from support.builders import panel
from support.bundles import save
from support.networks import END, trained

COUNT_LIKELIHOODS = ["negative_binomial", "zero_inflated_negative_binomial"]
TWO = {"ensemble_size": 2}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    backend.prepare(1, 1)  # before the first operation


@pytest.fixture(scope="module")
def base() -> DemandPanel:
    return panel(5, 50)


@pytest.fixture(scope="module")
def training(base: DemandPanel) -> LstmEnsemble:
    """Two networks that answer by their mean."""
    return trained(base, training=TWO)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_nearly_the_same_float32_network(
    base: DemandPanel, training: LstmEnsemble, precision: str
) -> None:
    mixed = trained(base, training={**TWO, "precision": precision})
    assert {w.dtype.name for w in mixed.network().get_weights()} == {"float32"}
    assert mixed.members[0].network.get_layer("lstm_0").compute_dtype == precision[6:]
    ends = np.full(5, END)
    expected, found = training.predict(ends).quantiles, mixed.predict(ends).quantiles
    assert not np.array_equal(found, expected)  # the precision arrived
    # bfloat16 holds eight bits: two or three digits. Less than half a unit counts as none.
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.5 + 0.02 * base.demand.mean())


@pytest.mark.parametrize(
    "groups", [{"model": {"num_layers": 2, "dropout": 0.3, "recurrent_dropout": 0.2}}]
)
def test_layers_and_dropout_are_built_and_exported(
    base: DemandPanel, tmp_path: Path, groups: dict[str, dict[str, object]]
) -> None:
    training = trained(base, steps=1, **groups)
    save(training, tmp_path / "bundle")
    origins = np.full(5, END)
    onnx = load_bundle(tmp_path / "bundle").predict(base, origins)
    scale = base.demand.mean(axis=1)[:, None, None]
    assert (np.abs(training.predict(origins).quantiles - onnx.quantiles) / scale).max() < 1e-5


@pytest.mark.parametrize("likelihood", COUNT_LIKELIHOODS)
def test_very_large_counts_train_and_forecast(likelihood: str) -> None:
    demand = np.rint(panel(3, 50).demand * 1e8)
    base = panel(3, 50, demand=demand)
    ensemble = trained(base, steps=2, model={"likelihood": likelihood})
    forecast = ensemble.predict(np.full(3, END))  # checks itself: finite, >= 0
    assert (forecast.point > 1e7).all()
