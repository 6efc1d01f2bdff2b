"""Write files so that a crash leaves the old one or the new one, and read panels back."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from restock.errors import DiskFullError, UserError
from restock.types.panel import DemandPanel

PANEL_FILES = ("panel.parquet", "static.parquet", "grid.json")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path aside; on success sync it and rename it over ``path``, else remove it.

    Works for a file or a folder, whichever the caller makes.

    Raises:
        DiskFullError: Naming the path and how much was free.
    """
    with disk_full_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(path) as aside:
            yield aside


@contextmanager
def disk_full_named(path: Path) -> Iterator[None]:
    """Say which file there was no room for.

    Raises:
        DiskFullError: Instead of the system's error.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        folder = next(parent for parent in path.parents if parent.is_dir())
        free = shutil.disk_usage(folder).free
        raise DiskFullError(
            f"{path}: no space left ({free:,} bytes free). Nothing was half-written; make room and "
            "run the same command again."
        ) from error


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield aside
        for file in [aside, *aside.rglob("*")] if aside.is_dir() else [aside]:
            _sync(file)
        old = path.with_name(f".{path.name}.{os.getpid()}.old")
        if path.is_dir():  # a folder cannot be renamed over another one
            path.replace(old)
        aside.replace(path)
        _sync(path.parent)
        if old.exists():
            shutil.rmtree(old)
    finally:
        if aside.is_dir():
            shutil.rmtree(aside)
        aside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, sorted as given, numbers in full; NaN is refused."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON, and say which command writes it where it is missing."""
    if not path.is_file():
        raise UserError(f"{path}: not there yet. Run the step that writes it, or `dvc repro`.")
    return json.loads(path.read_text(encoding="utf-8"))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV or Parquet, by its suffix."""
    with replacing(path) as aside:
        if path.suffix == ".csv":
            table.to_csv(aside, index=False, lineterminator="\n")
        else:
            table.to_parquet(aside, index=False)


def digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(folder: Path) -> str:
    """Return the sha256 over the names and contents of all files below a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(folder).as_posix()}\0{digest(path)}\n".encode())
    return total.hexdigest()


def save_panel(panel: DemandPanel, folder: Path) -> None:
    """Write a panel as a folder: a long Parquet table, static columns, and its grid."""

    def write(aside: Path) -> None:
        aside.mkdir()
        _long_table(panel).to_parquet(aside / "panel.parquet", index=False)
        static = panel.static.reset_index(drop=True)
        static.insert(0, "series_id", panel.series_id)
        static.to_parquet(aside / "static.parquet", index=False)
        grid = {
            "frequency": panel.frequency,
            "unit": panel.unit,
            "num_steps": panel.num_steps,
            "timestamps": [str(t.isoformat()) for t in panel.timestamps],
            "known_future": list(panel.known_future),
            "observed": list(panel.observed),
        }
        (aside / "grid.json").write_text(json.dumps(grid, indent=1) + "\n", encoding="utf-8")

    _write_folder(folder, write)


def panel_digest(folder: Path) -> str:
    """Identify a saved panel: its demand, its static columns and its grid."""
    parts = [digest(folder / name) for name in PANEL_FILES]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    with replacing(folder) as aside:
        write(aside)


def _long_table(panel: DemandPanel) -> pd.DataFrame:
    """One row for each series and period, the known future included (with missing demand)."""
    num_future = panel.num_future

    def flat(values: np.ndarray, fill: Any) -> np.ndarray:
        pad = np.full((panel.num_series, num_future), fill, dtype=values.dtype)
        return np.concatenate([values, pad], axis=1).ravel()

    table = {
        "series_id": np.repeat(panel.series_id, len(panel.timestamps)),
        "timestamp": np.tile(np.asarray(panel.timestamps), panel.num_series),
        "demand": flat(panel.demand, np.nan),
        "in_stock": flat(panel.in_stock, True),
    }
    table |= {name: values.ravel() for name, values in panel.known_future.items()}
    table |= {name: flat(values, np.nan) for name, values in panel.observed.items()}
    return pd.DataFrame(table)


def load_panel(folder: Path) -> DemandPanel:
    """Read a panel that :func:`save_panel` wrote."""
    grid = read_json(folder / "grid.json")
    table = pd.read_parquet(folder / "panel.parquet")
    static = pd.read_parquet(folder / "static.parquet")
    series_id = static.pop("series_id").to_numpy(dtype=object)
    shape = (len(series_id), len(grid["timestamps"]))
    past = np.s_[:, : grid["num_steps"]]

    def wide(name: str) -> np.ndarray:
        return table[name].to_numpy().reshape(shape)

    return DemandPanel(
        series_id=series_id,
        timestamps=pd.DatetimeIndex(pd.to_datetime(grid["timestamps"])),
        demand=wide("demand")[past],
        in_stock=wide("in_stock")[past],
        frequency=grid["frequency"],
        unit=grid["unit"],
        static=static,
        known_future={name: wide(name) for name in grid["known_future"]},
        observed={name: wide(name)[past] for name in grid["observed"]},
    )
