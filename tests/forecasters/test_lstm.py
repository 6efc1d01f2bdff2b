"""The LSTM: repeatable, causal, and the same in Keras, from disk and in ONNX Runtime."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restock.errors import ConfigError, DataError, IntegrityError
from restock.forecasters import export
from restock.forecasters.baselines.forest import FittedTrees
from restock.forecasters.baselines.make import boosted_trees
from restock.forecasters.baselines.simple import simple_baselines
from restock.forecasters.bundle import Bundle, load_bundle
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import DivergedError, LstmEnsemble
from restock.forecasters.lstm.network import RisingQuantiles
from restock.stages import train
from restock.training.view import TrainingView
from restock.types.panel import DemandPanel
from support.builders import HORIZON, LEVELS, baselines, odd_demand, panel, recipe_of, settings
from support.bundles import save
from support.networks import END, trained
from support.networks import train as train_to
from support.stages import context

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


@pytest.fixture(scope="module")
def single(base: DemandPanel) -> LstmEnsemble:
    return trained(base)


@pytest.fixture(scope="module")
def saved(training: LstmEnsemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "bundle"
    save(training, folder)
    return folder


@pytest.fixture(scope="module")
def trees(base: DemandPanel) -> FittedTrees:
    chosen = settings()
    trees = chosen.evaluation.baselines
    made = boosted_trees(trees, HORIZON, chosen.features, np.array(LEVELS), 0)
    return made.fit(base, np.full(base.num_series, END))


@pytest.fixture(scope="module")
def mixed(
    single: LstmEnsemble, trees: FittedTrees, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle of everything: the network, trees and a simple forecast, calibrated."""
    folder = tmp_path_factory.mktemp("mixed") / "bundle"
    wider = sorted([LEVELS[0], *LEVELS[:-2], LEVELS[-1]])
    weights = {"lstm": 0.5, "ses": 0.3, "boosted_trees": 0.2}
    save(single, folder, Combination(weights, wider, LEVELS), trees)
    return folder


def test_the_same_seed_gives_the_same_weights(base: DemandPanel, training: LstmEnsemble) -> None:
    again = trained(base, training=TWO)
    for first, second in zip(
        training.network().get_weights(), again.network().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(first, second)


def test_training_lowers_the_loss(base: DemandPanel) -> None:
    training = trained(base, steps=0, training={"max_steps": 30, "learning_rate": 0.01})
    losses = train_to(training, 30)
    assert np.mean(losses[-5:]) < 0.8 * losses[0]


def test_the_network_and_its_forecast_ignore_the_future(
    base: DemandPanel, single: LstmEnsemble
) -> None:
    demand = base.demand.copy()
    demand[:, END + 1 :] = 1e6
    other = trained(panel(5, 50, demand=demand))
    before = single.predict(np.full(5, END))
    after = other.predict(np.full(5, END))
    np.testing.assert_array_equal(before.quantiles, after.quantiles)


@given(st.lists(st.floats(-6, 6, width=32), min_size=5, max_size=5))
def test_quantiles_are_the_median_and_sums_of_positive_distances(numbers: list[float]) -> None:
    raw = np.array(numbers, dtype=np.float32)
    found = np.asarray(RisingQuantiles(middle=2)(raw[None, :]))[0]
    distance = np.log1p(np.exp(raw - 2.0))
    expected = raw[2] + np.array(
        [-distance[1] - distance[0], -distance[1], 0.0, distance[3], distance[3] + distance[4]]
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_onnx_runtime_answers_as_keras_does(
    training: LstmEnsemble, saved: Path, base: DemandPanel
) -> None:
    scale = base.demand.mean(axis=1)[:, None, None]
    for origin in (END, 47, 3):
        origins = np.full(5, origin)
        keras, onnx = training.predict(origins), load_bundle(saved).predict(base, origins)
        assert (np.abs(keras.quantiles - onnx.quantiles) / scale).max() < 1e-5
        assert (np.abs(keras.cumulative - onnx.cumulative) / (3 * scale)).max() < 1e-5


def test_the_keras_file_holds_the_same_network(training: LstmEnsemble, saved: Path) -> None:
    import keras

    from restock.forecasters.lstm.network import CUSTOM_OBJECTS

    loaded = keras.models.load_model(saved / "model.keras", CUSTOM_OBJECTS, compile=False)
    windows = training.members[0].windows
    batch = windows.prediction_batch(np.arange(5), np.full(5, END)).inputs()
    np.testing.assert_array_equal(
        np.asarray(loaded.predict_on_batch(batch)),
        np.asarray(training.network().predict_on_batch(batch)),
    )


def test_two_saves_of_one_network_are_the_same_bytes(
    training: LstmEnsemble, saved: Path, tmp_path: Path
) -> None:
    again = save(training, tmp_path / "bundle")
    assert again == load_bundle(saved).manifest
    for name in again.files:
        assert (tmp_path / "bundle" / name).read_bytes() == (saved / name).read_bytes()


def test_a_bundle_forecasts_the_same_in_a_process_without_tensorflow(
    mixed: Path, tmp_path: Path
) -> None:
    code = (
        "import sys, numpy as np\n"
        "sys.path.insert(0, 'tests')\n"
        "from pathlib import Path\n"
        "from restock.forecasters.bundle import load_bundle\n"
        "from support.builders import panel\n"
        f"made = load_bundle(Path({str(mixed)!r})).predict(panel(2, 30), np.array([29, 29]))\n"
        f"np.savez({str(tmp_path / 'made.npz')!r}, steps=made.quantiles, totals=made.cumulative)\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'tensorflow', 'keras', 'sklearn', 'mlflow', 'hydra'}, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    here = load_bundle(mixed).predict(panel(2, 30), np.array([29, 29]))
    with np.load(tmp_path / "made.npz") as made:
        np.testing.assert_array_equal(made["steps"], here.quantiles)
        np.testing.assert_array_equal(made["totals"], here.cumulative)


@pytest.mark.parametrize("name", ["model.onnx", "model.keras", "state.json", "trees.npz"])
def test_a_changed_file_is_refused_by_name(mixed: Path, tmp_path: Path, name: str) -> None:
    import shutil

    copy = tmp_path / "bundle"
    shutil.copytree(mixed, copy)
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
    with pytest.raises(DataError, match="lacks the observed column"):
        bundle.predict(panel(2, 30, observed={}), np.array([29, 29]))
    with pytest.raises(DataError, match="frequency W-SUN, but the panel has D"):
        bundle.predict(panel(2, 30, frequency="D"), np.array([29, 29]))


def test_odd_series_are_all_answered(saved: Path) -> None:
    demand = odd_demand(5)
    odd = panel(5, 50, demand=demand, static=panel(5, 50).static.replace("a", "never seen"))
    forecast = load_bundle(saved).predict(odd, np.full(5, 49))  # checks itself: finite, >= 0
    assert forecast.point.shape == (5, 3)


def test_a_loss_that_is_no_number_stops_the_training(base: DemandPanel) -> None:
    training = trained(base, steps=0)
    network = training.members[0].network
    network.set_weights([np.full_like(w, np.nan) for w in network.get_weights()])
    with pytest.raises(DivergedError, match="step 1"):
        train_to(training, 1)


def test_a_machine_that_cannot_export_is_told_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"TensorFlow is not installed.*to ONNX.*Install restock\[train\]"
    ):
        train.run(context(settings(), tmp_path).narrowed(TrainingView))
    assert not list(tmp_path.iterdir())


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


def test_members_differ_and_answer_by_their_mean(base: DemandPanel, training: LstmEnsemble) -> None:
    first, second = training.members
    assert any(
        (a != b).any()
        for a, b in zip(first.network.get_weights(), second.network.get_weights(), strict=True)
    )
    batch = first.windows.prediction_batch(np.arange(5), np.full(5, END)).inputs()
    each = [np.asarray(m.network.predict_on_batch(batch)) for m in training.members]
    joined = np.asarray(training.network().predict_on_batch(batch))
    np.testing.assert_allclose(joined, np.mean(each, axis=0), atol=1e-6)


def test_a_branch_leaves_the_trunk_as_it_was(base: DemandPanel) -> None:
    """What is learned up to a length does not depend on the lengths measured before it."""
    options = {"max_steps": 16, "learning_rate": 0.01}
    straight, over_branches = (trained(base, 0, training=options) for _ in range(2))
    losses = train_to(straight, 16)
    taken = [train_to(over_branches, length) for length in (2, 4, 8, 16)]
    assert taken[-1] == losses[-len(taken[-1]) :]
    for first, second in zip(
        straight.network().get_weights(), over_branches.network().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("num_series", [1, 5, 70])
def test_all_series_have_their_turn_and_batches_are_full(num_series: int) -> None:
    backend.prepare(1, 1)
    recipe = recipe_of(training={"batch_size": 8, "max_steps": 40})
    ensemble = LstmEnsemble(recipe, 3, panel(num_series, 50), np.full(num_series, END))
    (member,) = ensemble.members
    drawn = []
    for step in range(40):
        member.step = step
        drawn.append(member._drawn_rows())
    assert {len(rows) for rows in drawn} == {min(8, -(-40 * num_series // 6))}
    counts = np.bincount(np.concatenate(drawn), minlength=num_series)
    assert counts.max() - counts.min() <= 1


def test_a_bundle_mixes_and_calibrates_as_it_was_told(
    mixed: Path, trees: FittedTrees, base: DemandPanel
) -> None:
    loaded, origins = load_bundle(mixed), np.full(5, END)
    simple = simple_baselines(baselines(), 3, np.array(LEVELS))
    parts = {
        "lstm": loaded.predict_network(base, origins),
        "ses": simple["ses"].predict(base, origins),
        "boosted_trees": trees.predict(base, origins),
    }
    expected = loaded.combination.apply(parts)
    made = loaded.predict(base, origins)
    np.testing.assert_array_equal(made.quantiles, expected.quantiles)
    np.testing.assert_array_equal(made.cumulative, expected.cumulative)
    assert (made.quantiles != parts["lstm"].quantiles).any()
