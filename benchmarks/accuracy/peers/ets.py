"""statsforecast's AutoETS: one model per series, fitted at each origin as its authors do."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS
from task import Task


def run(task: Task) -> tuple[np.ndarray, dict[str, Any]]:
    """Forecast from every origin."""
    season = int(task.job["season"])
    quantiles = np.stack([_forecast(task, origins, season) for origins in task.origins])
    return quantiles, {"season": season}


def _forecast(task: Task, origins: np.ndarray, season: int) -> np.ndarray:
    model = StatsForecast(
        models=[AutoETS(season_length=season, alias="ets")], freq=1, n_jobs=os.cpu_count() or 1
    )
    widths = [round(100 * abs(1 - 2 * level)) for level in task.levels if level < 0.5]
    forecasts = model.forecast(df=_rows(task, origins), h=task.horizon, level=widths)
    result = np.zeros((len(task.series_id), task.horizon, len(task.levels)))
    row = pd.Index(task.series_id).get_indexer(forecasts["unique_id"])
    step = forecasts["ds"].to_numpy() - origins[row] - 1
    for place, level in enumerate(task.levels):
        result[row, step, place] = forecasts[_column(level)].to_numpy()
    return result


def _rows(task: Task, origins: np.ndarray) -> pd.DataFrame:
    num_series, num_steps = task.demand.shape
    row, position = np.divmod(np.arange(num_series * num_steps), num_steps)
    filled = pd.DataFrame(task.demand).ffill(axis=1).to_numpy().ravel()
    table = pd.DataFrame({"unique_id": task.series_id[row], "ds": position, "y": filled})
    return table[(position >= task.first[row]) & (position <= origins[row])]


def _column(level: float) -> str:
    if level == 0.5:
        return "ets"
    side = "lo" if level < 0.5 else "hi"
    return f"ets-{side}-{round(100 * abs(1 - 2 * level))}"
