"""The same network on JAX, in a process of its own: a process has one backend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from restock.forecasters.bundle import load_bundle
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble
from support.builders import HORIZON, panel, recipe_of
from support.bundles import save

SCRIPT = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import keras, numpy as np
assert keras.backend.backend() == "jax"
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, train_all
from restock.forecasters.lstm.network import CUSTOM_OBJECTS
from support.builders import HORIZON, panel, recipe_of, settings
from support.bundles import save
assert "tensorflow" not in sys.modules

def answer(likelihood, folder):
    backend.prepare(1, 1)
    training = {"max_steps": 30, "learning_rate": 0.01}
    recipe = recipe_of(training=training, model={"likelihood": likelihood})
    ensemble = LstmEnsemble(recipe, HORIZON, panel(5, 50), np.full(5, 40))
    with ThreadPoolExecutor(1) as pool:
        losses = [loss for losses in train_all([ensemble], 30, pool) for loss in losses]
    saved = keras.models.load_model(folder / "bundle/model.keras", CUSTOM_OBJECTS, compile=False)
    (member,) = ensemble.members
    member.trained.set_weights(saved.get_weights())
    save(ensemble, folder / "saved_on_jax")
    quantiles = ensemble.predict(np.full(5, 45)).quantiles
    return {"losses": losses, "quantiles": quantiles.tolist()}

root = Path(sys.argv[1])
print(json.dumps({name: answer(name, root / name) for name in sys.argv[2:]}))
"""
# The floor of a log likelihood is not 0 but the entropy of the demand: about 2.8 of 3.6 here.
SHARES = {"quantiles": 0.9, "zero_inflated_negative_binomial": 0.97}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle for each likelihood, and what JAX said of their networks."""
    pytest.importorskip("jax")
    folder = tmp_path_factory.mktemp("jax")
    for likelihood in SHARES:
        backend.prepare(1, 1)
        ensemble = LstmEnsemble(
            recipe_of(model={"likelihood": likelihood}), HORIZON, panel(5, 50), np.full(5, 40)
        )
        save(ensemble, folder / likelihood / "bundle")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), *SHARES],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "said.json").write_text(done.stdout.splitlines()[-1])
    return folder


@pytest.mark.parametrize("likelihood", SHARES)
def test_jax_trains_and_answers_as_onnx_runtime_does(root: Path, likelihood: str) -> None:
    said, base = json.loads((root / "said.json").read_text())[likelihood], panel(5, 50)
    assert np.mean(said["losses"][-3:]) < SHARES[likelihood] * said["losses"][0]
    scale = base.demand.mean(axis=1)[:, None, None]
    for folder in ("bundle", "saved_on_jax"):
        expected = load_bundle(root / likelihood / folder).predict(base, np.full(5, 45))
        assert (np.abs(np.array(said["quantiles"]) - expected.quantiles) / scale).max() < 1e-5
