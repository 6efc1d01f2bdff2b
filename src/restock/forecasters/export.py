"""Save a trained network. The same weights give the same files: no dates, no counters."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import onnx

from restock.errors import ConfigError

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip file can hold


def weights_digest(network: keras.Model) -> str:
    """Return the sha256 over all weights, in the network's order."""
    total = hashlib.sha256()
    for weight in network.get_weights():
        total.update(str((weight.shape, weight.dtype.str)).encode())
        total.update(weight.tobytes())
    return total.hexdigest()


def save_keras(network: keras.Model, path: Path) -> None:
    """Save as ``.keras``, without the date and the memory addresses that Keras writes into it."""
    with tempfile.TemporaryDirectory() as temporary:
        saved = Path(temporary) / "model.keras"
        network.save(saved)
        with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    fixed = {**json.loads(content), "date_saved": "1980-01-01@00:00:00"}
                    content = json.dumps(fixed).encode()
                elif name == "config.json":
                    content = _number_shared_objects(content)
                target.writestr(zipfile.ZipInfo(name, EPOCH), content)


def _number_shared_objects(config: bytes) -> bytes:
    """Replace the memory address of each shared object by a number, in order of appearance."""
    numbers: dict[int, int] = {}

    def renumber(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {
            key: numbers.setdefault(value, len(numbers)) if key == "shared_object_id" else value
            for key, value in pairs
        }

    return json.dumps(json.loads(config, object_pairs_hook=renumber)).encode()


def check_export() -> None:
    """Check, before a training, that the trained network can be exported to ONNX.

    Raises:
        ConfigError: If TensorFlow is not installed. Other backends need it for the export, too.
    """
    if find_spec("tensorflow") is None:
        raise ConfigError(
            f"TensorFlow is not installed. KERAS_BACKEND={keras.backend.backend()} can train "
            "without it, but the export of a bundle to ONNX needs it. Install restock[train]."
        )


def save_onnx(network: keras.Model, path: Path) -> None:
    """Export to ONNX with any backend; see :func:`export_onnx`."""
    if keras.backend.backend() == "tensorflow":
        export_onnx(network, path)
        return
    with tempfile.TemporaryDirectory() as temporary:
        saved = Path(temporary) / "model.keras"
        network.save(saved)
        # Only TensorFlow can export. A process has one backend, so another process does it.
        code = f"from {__name__} import export_saved; import sys; export_saved(*sys.argv[1:])"
        env = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
        command = [sys.executable, "-c", code, str(saved), str(path)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"TensorFlow could not export the network:\n{done.stderr}")


def export_saved(saved: str, path: str) -> None:
    """Export a ``.keras`` file to ONNX, in a process whose backend is TensorFlow."""
    from restock.forecasters.lstm.network import CUSTOM_OBJECTS

    export_onnx(keras.models.load_model(saved, CUSTOM_OBJECTS, compile=False), Path(path))


def export_onnx(network: keras.Model, path: Path) -> None:
    """Export to ONNX with TensorFlow. Generated names are numbered again, from zero."""
    model = _converted(network)
    _canonicalise(model.graph)
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


def _converted(network: keras.Model) -> onnx.ModelProto:
    """Return the network as the converter writes it.

    Keras' own export calls the same converter, but first traces the network again for each function
    that a SavedModel would hold. That takes as long as the conversion.
    """
    import tensorflow as tf
    import tf2onnx.convert

    # The converter copies the graph before each of its passes, to go on without one that fails.
    # None may fail unseen, and the copies take a third of the time.
    os.environ["TF2ONNX_CATCH_ERRORS"] = "false"
    inputs = [tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in network.inputs]
    forward = tf.function(network, input_signature=[inputs], autograph=False)
    model, _ = tf2onnx.convert.from_function(forward, input_signature=[inputs])
    return model


def _canonicalise(graph: onnx.GraphProto) -> None:
    """Sort nodes and constants by what they compute, and number them in that order.

    The converter numbers names with a counter that does not restart in a process, so that its own
    order differs from export to export. Here a node's identity is a hash of its operation, its
    attributes and the identities of its inputs. Nodes are sorted by depth, then by identity; inputs
    still come before the nodes that need them.
    """
    identity = {value.name: _hash(value.name.encode()) for value in graph.input}
    for constant in graph.initializer:
        content = onnx.numpy_helper.to_array(constant)
        about = f"{content.dtype}{content.shape}".encode()
        identity[constant.name] = _hash(about, content.tobytes())
    depth = dict.fromkeys(identity, 0)
    assert not any(a.HasField("g") for node in graph.node for a in node.attribute), "no subgraphs"
    for node in graph.node:  # the inputs of a node come before it
        parts = [a.SerializeToString(deterministic=True) for a in node.attribute]
        inputs = [identity.get(name, "").encode() for name in node.input]
        own = _hash(node.op_type.encode(), *sorted(parts), *inputs)
        level = 1 + max((depth.get(name, 0) for name in node.input), default=0)
        for place, name in enumerate(node.output):
            identity[name], depth[name] = f"{own}{place}", level
    nodes = sorted(graph.node, key=lambda n: (depth[n.output[0]], identity[n.output[0]]))
    constants = sorted(graph.initializer, key=lambda constant: identity[constant.name])
    _number(graph, nodes, constants)


def _number(
    graph: onnx.GraphProto, nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto]
) -> None:
    """Put nodes and constants in this order, and name everything except the inputs by number."""
    names = {value.name: value.name for value in graph.input}

    def new(name: str) -> str:
        return names.setdefault(name, f"t{len(names)}") if name else ""

    for item in [*constants, *graph.output]:
        item.name = new(item.name)
    for number, node in enumerate(nodes):
        node.name = f"n{number}"
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    graph.name, graph.doc_string = "restock", ""


def _hash(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()
