"""Save panels and tables to disk, and load panels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from restock.data.files import digest, read_json, replacing
from restock.types.panel import DemandPanel

PANEL_FILES = ("panel.parquet", "static.parquet", "grid.json")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV or Parquet, by its suffix."""
    with replacing(path) as aside:
        if path.suffix == ".csv":
            table.to_csv(aside, index=False, lineterminator="\n")
        else:
            table.to_parquet(aside, index=False)


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
        if panel.closed:
            grid["closed"] = list(panel.closed)
        if panel.static_until is not None:
            grid["static_until"] = panel.static_until.tolist()
        (aside / "grid.json").write_text(json.dumps(grid, indent=1) + "\n", encoding="utf-8")

    _write_folder(folder, write)


def panel_digest(folder: Path) -> str:
    """Return a digest of a saved panel: its demand, its static columns and its grid."""
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
        closed=tuple(grid.get("closed", ())),
        static_until=np.array(grid["static_until"]) if "static_until" in grid else None,
    )
