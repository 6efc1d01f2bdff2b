"""The LSTM: repeatable, causal, and the same in Keras, from disk and in ONNX Runtime."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from restock.errors import DataError, IntegrityError
from restock.forecasters.bundle import Bundle, load_bundle
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import DivergedError, LstmRecipe, LstmTraining
from restock.forecasters.lstm.save import save_bundle
from restock.types.panel import DemandPanel
from support.builders import panel, settings

END = 40


def trained(base: DemandPanel, epochs: int = 2, **groups: dict[str, object]) -> LstmTraining:
    backend.prepare(1, 1)
    training = LstmTraining(
        LstmRecipe.from_settings(settings(**groups)), base, np.full(base.num_series, END)
    )
    for _ in range(epochs):
        training.run_epoch()
    return training


@pytest.fixture(scope="module")
def base() -> DemandPanel:
    return panel(5, 50)


@pytest.fixture(scope="module")
def training(base: DemandPanel) -> LstmTraining:
    return trained(base)


@pytest.fixture(scope="module")
def saved(training: LstmTraining, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "bundle"
    save_bundle(training, folder, cut="c", tuning_wql=0.5, data_digest="d")
    return folder


def test_the_same_seed_gives_the_same_weights(base: DemandPanel, training: LstmTraining) -> None:
    again = trained(base)
    for first, second in zip(
        training.network.get_weights(), again.network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(first, second)


def test_training_lowers_the_loss(base: DemandPanel) -> None:
    training = trained(base, epochs=0, training={"max_epochs": 30, "learning_rate": 0.01})
    losses = [training.run_epoch() for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.8 * losses[0]


def test_the_network_and_its_forecast_ignore_the_future(
    base: DemandPanel, training: LstmTraining
) -> None:
    demand = base.demand.copy()
    demand[:, END + 1 :] = 1e6
    other = trained(panel(5, 50, demand=demand))
    before = training.predict(np.full(5, END))
    after = other.predict(np.full(5, END))
    np.testing.assert_array_equal(before.quantiles, after.quantiles)


def test_onnx_runtime_answers_as_keras_does(
    training: LstmTraining, saved: Path, base: DemandPanel
) -> None:
    scale = base.demand.mean(axis=1)[:, None, None]
    for origin in (END, 47, 3):
        origins = np.full(5, origin)
        keras, onnx = training.predict(origins), load_bundle(saved).predict(base, origins)
        assert (np.abs(keras.quantiles - onnx.quantiles) / scale).max() < 1e-5
        assert (np.abs(keras.cumulative - onnx.cumulative) / (3 * scale)).max() < 1e-5


def test_the_keras_file_holds_the_same_network(training: LstmTraining, saved: Path) -> None:
    import keras

    from restock.forecasters.lstm.network import CUSTOM_OBJECTS

    loaded = keras.models.load_model(saved / "model.keras", CUSTOM_OBJECTS, compile=False)
    batch = training.windows.prediction_batch(np.arange(5), np.full(5, END)).inputs()
    np.testing.assert_array_equal(
        np.asarray(loaded.predict_on_batch(batch)),
        np.asarray(training.network.predict_on_batch(batch)),
    )


def test_two_saves_of_one_network_are_the_same_bytes(
    training: LstmTraining, saved: Path, tmp_path: Path
) -> None:
    again = save_bundle(training, tmp_path / "bundle", cut="c", tuning_wql=0.5, data_digest="d")
    assert again == load_bundle(saved).manifest
    for name in again.files:
        assert (tmp_path / "bundle" / name).read_bytes() == (saved / name).read_bytes()


def test_a_bundle_forecasts_without_tensorflow(saved: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "sys.path.insert(0, 'tests')\n"
        "from pathlib import Path\n"
        "from restock.forecasters.bundle import load_bundle\n"
        "from support.builders import panel\n"
        f"load_bundle(Path({str(saved)!r})).predict(panel(2, 30), np.array([29, 29]))\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'tensorflow', 'keras', 'mlflow', 'optuna', 'hydra'}, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["model.onnx", "model.keras", "state.json"])
def test_a_changed_file_is_refused_by_name(saved: Path, tmp_path: Path, name: str) -> None:
    import shutil

    copy = tmp_path / "bundle"
    shutil.copytree(saved, copy)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match=f"{name}: corrupt"):
        load_bundle(copy)
    (copy / name).unlink()
    with pytest.raises(IntegrityError, match=f"{name}: missing"):
        load_bundle(copy)


def test_a_panel_of_another_kind_is_refused(saved: Path) -> None:
    bundle: Bundle = load_bundle(saved)
    with pytest.raises(DataError, match="lacks observed column"):
        bundle.predict(panel(2, 30, observed={}), np.array([29, 29]))
    with pytest.raises(DataError, match="forecasts W-SUN periods"):
        bundle.predict(panel(2, 30, frequency="D"), np.array([29, 29]))


def test_odd_series_are_all_answered(saved: Path) -> None:
    demand = panel(5, 50).demand.copy()
    demand[0] = np.nan  # no history at all
    demand[1] = 0.0
    demand[2] = 7.0
    demand[3, :-1] = np.nan  # one point
    demand[4, 10:30] = np.nan  # a hole
    odd = panel(5, 50, demand=demand, static=panel(5, 50).static.replace("a", "never seen"))
    forecast = load_bundle(saved).predict(odd, np.full(5, 49))  # checks itself: finite, >= 0
    assert forecast.point.shape == (5, 3)


def test_a_loss_that_is_no_number_stops_the_training(base: DemandPanel) -> None:
    training = trained(base, epochs=0)
    weights = training.network.get_weights()
    training.network.set_weights([np.full_like(w, np.nan) for w in weights])
    with pytest.raises(DivergedError, match="epoch 1"):
        training.run_epoch()


@pytest.mark.parametrize(
    "groups", [{"model": {"num_layers": 2, "dropout": 0.3, "recurrent_dropout": 0.2}}]
)
def test_layers_and_dropout_are_built_and_exported(
    base: DemandPanel, tmp_path: Path, groups: dict[str, dict[str, object]]
) -> None:
    training = trained(base, epochs=1, **groups)
    save_bundle(training, tmp_path / "bundle", cut="c", tuning_wql=None, data_digest="d")
    origins = np.full(5, END)
    onnx = load_bundle(tmp_path / "bundle").predict(base, origins)
    np.testing.assert_allclose(
        training.predict(origins).quantiles, onnx.quantiles, rtol=1e-3, atol=1e-4
    )


def test_a_forecast_does_not_depend_on_the_series_beside_it(saved: Path) -> None:
    demand = panel(5, 50).demand.copy()
    demand[0, :38] = np.nan  # young: a short history beside long ones
    base = panel(5, 50, demand=demand)
    together = load_bundle(saved).predict(base, np.array([45, 49, 49, 49, 49]))
    alone = panel(
        1,
        50,
        demand=demand[:1],
        static=base.static.head(1),
        known_future={"promo": base.known_future["promo"][:1]},
        observed={"price": base.observed["price"][:1]},
    )
    single = load_bundle(saved).predict(alone, np.array([45]))
    np.testing.assert_allclose(single.quantiles[0], together.quantiles[0], rtol=1e-5)
