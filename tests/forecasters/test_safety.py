"""A hostile bundle is refused by looking at it: its canary never sings."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from restock.errors import IntegrityError
from restock.forecasters.safety import check_archives, check_files

KNOWN = {"manifest.json", "model.keras", "model.onnx", "state.json", "trees.npz"}
LAYER = {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": None}


def check_safe(folder: Path, known: set[str]) -> None:
    """Look at a bundle as loading it does, but for the digests."""
    check_files(folder, known)
    check_archives(folder)


class Canary:
    """Unpickling it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in ("manifest.json", "state.json", "model.onnx"):
        (folder / name).write_text("{}")
    network(folder, LAYER)
    np.savez(folder / "trees.npz", value=np.arange(3.0))
    check_safe(folder, KNOWN)
    return folder


def network(folder: Path, layer: dict[str, object], **members: bytes) -> None:
    with zipfile.ZipFile(folder / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        config = {"module": "keras", "class_name": "Functional", "config": {"layers": [layer]}}
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "..."}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp/x"}},
        {"module": "os", "class_name": "system", "config": {}},
        {"module": "keras_hack", "class_name": "Dense", "config": {}},
    ],
    ids=["Lambda", "TFSMLayer", "another module", "a module of a like name"],
)
def test_a_layer_that_could_run_code(bundle: Path, layer: dict[str, object]) -> None:
    network(bundle, layer)
    with pytest.raises(IntegrityError, match="could run code"):
        check_safe(bundle, KNOWN)


def test_a_pickle_among_the_arrays(bundle: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    objects = np.empty(1, dtype=object)
    objects[0] = Canary(canary)
    np.savez(bundle / "trees.npz", value=objects)
    with pytest.raises(IntegrityError, match="Python objects"):
        check_safe(bundle, KNOWN)
    np.load(bundle / "trees.npz", allow_pickle=True)["value"]  # the canary is a real one
    assert canary.exists()


def test_a_pickle_beside_the_files(bundle: Path, tmp_path: Path) -> None:
    (bundle / "python_model.pkl").write_bytes(pickle.dumps(Canary(tmp_path / "canary")))
    with pytest.raises(IntegrityError, match="this file is not in the manifest of the bundle"):
        check_safe(bundle, KNOWN)
    assert not (tmp_path / "canary").exists()


def test_a_bomb(bundle: Path) -> None:
    network(bundle, LAYER, **{"model.weights.h5": bytes(50_000_000)})
    with pytest.raises(IntegrityError, match="unpacks to 50,000,000 bytes"):
        check_safe(bundle, KNOWN)


@pytest.mark.parametrize("name", ["../../evil.py", "/etc/evil", "assets/evil.py"])
def test_a_member_that_points_elsewhere(bundle: Path, name: str) -> None:
    network(bundle, LAYER, **{name: b"x"})
    with pytest.raises(
        IntegrityError, match=r"points outside of the archive|a saved network has only"
    ):
        check_safe(bundle, KNOWN)


def test_a_link_inside_an_archive(bundle: Path) -> None:
    info = zipfile.ZipInfo("model.weights.h5")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(bundle / "model.keras", "a") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(IntegrityError, match="points outside of the archive"):
        check_safe(bundle, KNOWN)


def test_a_link_a_folder_and_a_file_that_is_no_archive(bundle: Path, tmp_path: Path) -> None:
    (bundle / "state.json").unlink()
    (bundle / "state.json").symlink_to("/etc/passwd")
    with pytest.raises(IntegrityError, match=r"state.json: this is not a regular file"):
        check_safe(bundle, KNOWN)
    (bundle / "state.json").unlink()
    (bundle / "trees.npz").write_bytes(io.BytesIO(b"not a zip").read())
    with pytest.raises(IntegrityError, match="this is not a zip archive"):
        check_safe(bundle, KNOWN)
    (tmp_path / "linked").symlink_to(bundle)
    with pytest.raises(IntegrityError, match="this is a link"):
        check_safe(tmp_path / "linked", KNOWN)
