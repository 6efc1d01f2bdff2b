"""What goes to a peer, and its forecasts on the way back. Format: peers/task.py."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sets import HERE, peers_python

from restock.data.files import read_json, write_json
from restock.settings.model import REPORTED_LEVELS
from restock.settings.tree import Settings
from restock.types.folds import Fold
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray


def run_in_peers(script: str, *arguments: str | Path) -> None:
    """Run a script of peers/ in the peers' environment."""
    # Threads that spin while they wait starve each other on a machine that is not idle.
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    command = [peers_python(), HERE / "peers" / script, *arguments]
    subprocess.run(command, check=True, env=environment)


@dataclass(frozen=True)
class Exchange:
    """A folder that both sides read and write."""

    folder: Path
    panel: DemandPanel
    fold: Fold
    settings: Settings

    def write(self, seconds: float, *, fast: bool) -> None:
        """Write the task. No demand after the last origin is in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        panel, evaluation = self.panel, self.settings.evaluation
        job = {
            "horizon": evaluation.horizon,
            "levels": list(REPORTED_LEVELS),
            "season": evaluation.baselines.seasonal_period,
            "scale_period": evaluation.seasonal_period,
            "lookback": min(self.settings.windows.lookback, int(self.fold.train_end.max()) + 1),
            "known_future": list(panel.known_future),
            "seconds": seconds,
            "seed": self.settings.seed,
            "fast": fast,
        }
        write_json(self.folder / "job.json", job)
        self._table().to_parquet(self.folder / "panel.parquet", index=False)
        static = panel.static.copy()
        static.insert(0, "series_id", panel.series_id)
        static.to_parquet(self.folder / "static.parquet", index=False)
        self._origins().to_parquet(self.folder / "origins.parquet", index=False)

    def run(self, peer: str) -> dict[str, Any]:
        """Run a peer; return its seconds and what it chose."""
        run_in_peers("run_peer.py", peer, self.folder)
        return read_json(self.folder / f"{peer}.json")

    def read(self, peer: str) -> list[DemandForecast]:
        """Return a peer's forecast from each origin of the fold."""
        table = pd.read_parquet(self.folder / f"{peer}.parquet")
        shape = (len(self.fold.origins), self.panel.num_series, -1, len(REPORTED_LEVELS))
        names = [f"q{level:g}" for level in REPORTED_LEVELS]
        quantiles = table[names].to_numpy().reshape(shape)
        return [
            self._forecast(origins, own)
            for origins, own in zip(self.fold.origins, quantiles, strict=True)
        ]

    def _table(self) -> pd.DataFrame:
        panel = self.panel
        grid = np.arange(panel.num_steps)
        seen = np.where(grid <= self.fold.origins.max(axis=0)[:, None], panel.uncensored, np.nan)
        columns = {
            "series_id": np.repeat(panel.series_id, panel.num_steps),
            "timestamp": np.tile(np.asarray(panel.timestamps[: panel.num_steps]), len(seen)),
            "demand": seen.ravel(),
        }
        for name, values in panel.known_future.items():
            columns[name] = values[:, : panel.num_steps].ravel()
        return pd.DataFrame(columns)

    def _origins(self) -> pd.DataFrame:
        columns = {f"origin_{number}": own for number, own in enumerate(self.fold.origins)}
        return pd.DataFrame({"train_end": self.fold.train_end} | columns)

    def _forecast(self, origins: IntArray, quantiles: np.ndarray) -> DemandForecast:
        levels = np.array(REPORTED_LEVELS)
        steps = np.maximum(origins, 0)[:, None] + np.arange(1, quantiles.shape[1] + 1)
        return DemandForecast(
            series_id=self.panel.series_id,
            origin=self.panel.labels(np.maximum(origins, 0)),
            timestamps=self.panel.labels(steps),
            point=quantiles[:, :, int(np.flatnonzero(levels == 0.5)[0])],
            levels=levels,
            quantiles=quantiles,
            # A peer forecasts no totals; these stand in for them and are never scored.
            cumulative=quantiles,
        )
