"""What a training goes on from: saved whole, the last two kept, a torn one put aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restock.errors import DiskFullError
from restock.sweeps.checkpoint import Checkpoints


def test_only_the_last_two_states_are_kept(tmp_path: Path) -> None:
    states = Checkpoints(tmp_path)
    for number in range(1, 5):
        states.save({"a": np.array(number)})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "state-000003.npz", "state-000004.npz",
    ]  # fmt: skip
    loaded = states.load()
    assert loaded is not None
    assert loaded["a"] == 4
    newest = tmp_path / "state-000004.npz"
    newest.write_bytes(newest.read_bytes()[:-40])
    loaded = states.load()
    assert loaded is not None
    assert loaded["a"] == 3
    assert (tmp_path / "state-000004.npz.corrupt").is_file()
    states.clear()
    assert states.load() is None


def test_a_write_to_a_full_disk_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DiskFullError, match=r"state-0+1\.npz: no space left \([\d,]+ bytes free"):
        Checkpoints(tmp_path).save({"a": np.array(1)})
    assert list(tmp_path.iterdir()) == []
