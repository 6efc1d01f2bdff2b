"""Prediction: the exported network in ONNX Runtime against the same network in Keras.

    python benchmarks/prediction.py

The default network (an ensemble) over simulated weekly demand, all cores for both. In batch ONNX
may take 1.1 times as long as Keras; for one series it is to be 10 times faster. Also how far the
two answers are apart, relative to each series' scale.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime

from restock.forecasters.export import save_onnx
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble
from restock.settings.base import narrowed
from restock.settings.recipe import Recipe
from restock.settings.tree import load_params
from training import NUM_SERIES, NUM_STEPS, panel

BATCH_LIMIT, SINGLE_LIMIT = 1.1, 0.1  # of Keras' time
Inputs = dict[str, np.ndarray]


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median of some runs, after three to warm up."""
    seconds = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[3:])


def main() -> None:
    backend.prepare(0, 0)
    settings = load_params(Path("params.yaml"))
    end = np.full(NUM_SERIES, NUM_STEPS - 5)
    ensemble = LstmEnsemble(narrowed(Recipe, settings), settings.evaluation.horizon, panel(), end)
    for member in ensemble.members:
        member.train(12, 12)
    network = ensemble.network()
    with TemporaryDirectory() as folder:
        save_onnx(network, Path(folder) / "model.onnx")
        session = onnxruntime.InferenceSession(
            str(Path(folder) / "model.onnx"), providers=["CPUExecutionProvider"]
        )
    name = session.get_outputs()[0].name

    def in_keras(inputs: Inputs) -> np.ndarray:
        return np.asarray(network.predict_on_batch(inputs))

    def in_onnx(inputs: Inputs) -> np.ndarray:
        return session.run([name], inputs)[0]

    windows = ensemble.members[0].windows
    for count, limit, repeats in ((NUM_SERIES, BATCH_LIMIT, 15), (1, SINGLE_LIMIT, 100)):
        rows = np.arange(count)
        inputs = windows.prediction_batch(rows, end[rows]).inputs()
        keras = median_seconds(partial(in_keras, inputs), repeats)
        onnx = median_seconds(partial(in_onnx, inputs), repeats)
        apart = np.abs(np.sinh(in_keras(inputs)) - np.sinh(in_onnx(inputs))).max()
        print(
            f"{count:4d} series: Keras {keras * 1e3:8.2f} ms, ONNX Runtime {onnx * 1e3:8.2f} ms, "
            f"ratio {onnx / keras:.3f} (limit {limit}); apart {apart:.1e} of the scale"
        )


if __name__ == "__main__":
    main()
