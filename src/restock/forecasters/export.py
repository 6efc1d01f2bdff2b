"""Write a trained network as files that depend on its weights alone: no dates, no counters."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
import zipfile
from pathlib import Path

import keras
import onnx

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip file can hold


def weights_digest(network: keras.Model) -> str:
    """Return the sha256 over all weights, in the network's order."""
    total = hashlib.sha256()
    for weight in network.get_weights():
        total.update(str((weight.shape, weight.dtype.str)).encode())
        total.update(weight.tobytes())
    return total.hexdigest()


def save_keras(network: keras.Model, path: Path) -> None:
    """Save as ``.keras``; the date that Keras writes into it is set to a constant."""
    with tempfile.TemporaryDirectory() as temporary:
        saved = Path(temporary) / "model.keras"
        network.save(saved)
        with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    version = json.loads(content)["keras_version"]
                    fixed = {"keras_version": version, "date_saved": "1980-01-01@00:00:00"}
                    content = json.dumps(fixed).encode()
                target.writestr(zipfile.ZipInfo(name, EPOCH), content)


def save_onnx(network: keras.Model, path: Path) -> None:
    """Export to ONNX; the names that the converter numbers are numbered from zero."""
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        # Keras' exporter and tf2onnx still touch names that NumPy has deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        exported = Path(temporary) / "model.onnx"
        network.export(str(exported), format="onnx", verbose=False)
        model = onnx.load(exported)
    _rename(model.graph, {value.name: value.name for value in model.graph.input})
    for value in model.graph.input:
        for number, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.dim_param:
                dimension.dim_param = f"{value.name}_{number}"
    for value in model.graph.output:
        for number, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.dim_param:
                dimension.dim_param = f"quantiles_{number}"
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Number every tensor and node in the order of the graph, subgraphs included."""

    def new(name: str) -> str:
        return names.setdefault(name, f"t{len(names)}") if name else ""

    for value in [*graph.input, *graph.output, *graph.initializer]:
        value.name = new(value.name)
    for number, node in enumerate(graph.node):
        node.name = f"n{number}"
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)
    graph.name = "restock"
