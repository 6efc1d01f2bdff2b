"""What a peer is given: one table of demand and covariates, and where forecasts start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Task:
    """One set, as arrays. Shapes: N series, T periods, K covariates, O origins.

    Attributes:
        job: Horizon, levels, season, scale_period, lookback, seconds, seed, fast.
        series_id: Shape ``(N,)``.
        timestamps: Shape ``(T,)``.
        demand: NaN where unknown, and after the last origin. Shape ``(N, T)``.
        known: Covariates known ahead, by name. Each ``(N, T)``.
        static: One row a series.
        train_end: Last position a training target may take; -1 leaves out. Shape ``(N,)``.
        origins: Last known positions. Shape ``(O, N)``; -1 leaves a series out.
    """

    job: dict[str, Any]
    series_id: np.ndarray
    timestamps: pd.DatetimeIndex
    demand: np.ndarray
    known: dict[str, np.ndarray]
    static: pd.DataFrame
    train_end: np.ndarray
    origins: np.ndarray

    @property
    def horizon(self) -> int:
        """Periods forecast, H."""
        return int(self.job["horizon"])

    @property
    def levels(self) -> list[float]:
        """Quantile levels, rising."""
        return list(self.job["levels"])

    @property
    def first(self) -> np.ndarray:
        """Position of each series' first observation. Shape ``(N,)``."""
        return np.isfinite(self.demand).argmax(axis=1)

    def year_cycle(self) -> dict[str, np.ndarray]:
        """Return sine and cosine of the time of year. Each ``(T,)``."""
        angle = 2 * np.pi * self.timestamps.dayofyear.to_numpy() / 365.25
        return {"year_sin": np.sin(angle), "year_cos": np.cos(angle)}


def read_task(folder: Path) -> Task:
    """Read what restock's side wrote."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    table = pd.read_parquet(folder / "panel.parquet")
    static = pd.read_parquet(folder / "static.parquet")
    cuts = pd.read_parquet(folder / "origins.parquet")
    series_id = static.pop("series_id").to_numpy(dtype=object)
    stamps = pd.DatetimeIndex(table["timestamp"].iloc[: len(table) // len(series_id)])

    def wide(name: str) -> np.ndarray:
        return table[name].to_numpy(dtype=float).reshape(len(series_id), -1)

    return Task(
        job=job,
        series_id=series_id,
        timestamps=stamps,
        demand=wide("demand"),
        known={name: wide(name) for name in job["known_future"]},
        static=static,
        train_end=cuts["train_end"].to_numpy(),
        origins=cuts.drop(columns="train_end").to_numpy().T,
    )


def write_forecasts(
    path: Path, task: Task, quantiles: np.ndarray, seconds: float, choice: dict[str, Any]
) -> None:
    """Write quantiles of shape ``(O, N, H, Q)``, and what they took and what was chosen."""
    quantiles = np.sort(np.maximum(quantiles, 0.0), axis=-1)
    num_origins, num_series, horizon, _ = quantiles.shape
    table = pd.DataFrame(
        {
            "series_id": np.tile(np.repeat(task.series_id, horizon), num_origins),
            "origin": np.repeat(np.arange(num_origins), num_series * horizon),
            "step": np.tile(np.arange(1, horizon + 1), num_origins * num_series),
        }
    )
    for place, level in enumerate(task.levels):
        table[f"q{level:g}"] = quantiles[..., place].ravel()
    table.to_parquet(path.with_suffix(".parquet"), index=False)
    report = {"seconds": seconds, "choice": choice}
    path.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
