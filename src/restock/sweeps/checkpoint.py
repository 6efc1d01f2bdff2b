"""Checkpoints: the last states of one training on disk, to resume a trial whose worker died."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restock.data.files import replacing

KEPT = 2  # states: if the newest one is damaged, the one before it is used


@dataclass(frozen=True)
class Checkpoints:
    """States of one training, by number."""

    folder: Path

    def save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the next state. A crash does not damage the state before it.

        Raises:
            DiskFullError: If there is no space.
        """
        files = self._files()
        number = int(files[-1].stem.removeprefix("state-")) + 1 if files else 1
        path = self.folder / f"state-{number:06d}.npz"
        with replacing(path) as aside, aside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        for old in self._files()[:-KEPT]:
            old.unlink()

    def load(self) -> dict[str, np.ndarray] | None:
        """Return the newest undamaged state, if any. A damaged file is renamed to ``*.corrupt``."""
        for path in reversed(self._files()):
            try:
                with path.open("rb") as file, np.load(file) as stored:
                    return {name: stored[name] for name in stored.files}
            except (zipfile.BadZipFile, ValueError, EOFError, OSError):
                path.rename(path.with_name(path.name + ".corrupt"))
        return None

    def start_from(self, other: Checkpoints) -> None:
        """Copy the newest state of another training, unless this one has a state."""
        found = other._files()
        if found and not self._files():
            with replacing(self.folder / found[-1].name) as aside:
                shutil.copyfile(found[-1], aside)

    def clear(self) -> None:
        """Remove the states of a finished training."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("state-*.npz"))
