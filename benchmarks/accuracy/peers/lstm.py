"""neuralforecast's LSTM: one layer, the quantile loss at the same levels, within given seconds."""

from __future__ import annotations

import logging
import os
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import LSTM
from task import Task

SCALERS = ("robust", "standard")
UNITS = 64
TIMED_STEPS = 20
CHECKS = 8  # validations in a rehearsal
MAX_CATEGORIES = 30


@dataclass(frozen=True)
class Frames:
    """The long tables that neuralforecast reads."""

    rows: pd.DataFrame
    static: pd.DataFrame | None
    future: list[str]

    def until(self, last: np.ndarray) -> pd.DataFrame:
        """Return each series' rows up to a position; a position below 0 leaves it out."""
        own = last[self.rows["row"].to_numpy()]
        return self.rows[self.rows["ds"].to_numpy() <= own].drop(columns="row")

    def ahead(self, origins: np.ndarray, horizon: int) -> pd.DataFrame:
        """Return the covariates of the ``horizon`` periods after each origin."""
        own = origins[self.rows["row"].to_numpy()]
        step = self.rows["ds"].to_numpy() - own
        picked = self.rows[(own >= 0) & (step >= 1) & (step <= horizon)]
        return picked[["unique_id", "ds", *self.future]]


def quiet() -> None:
    """Hear no word from the trainer."""
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)


def make_frames(task: Task) -> Frames:
    """Lay the task out in rows. Gaps are filled by the value before and masked in the loss."""
    num_series, num_steps = task.demand.shape
    row, position = np.divmod(np.arange(num_series * num_steps), num_steps)
    table = pd.DataFrame({"unique_id": task.series_id[row], "ds": position, "row": row})
    table["y"] = _filled(task.demand).ravel()
    table["available_mask"] = np.isfinite(task.demand).astype(float).ravel()
    for name, values in task.known.items():
        table[name] = _filled(values).ravel()
    for name, values in task.year_cycle().items():
        table[name] = np.tile(values, num_series)
    begun = position >= task.first[row]
    return Frames(table[begun], _static(task), [*task.known, *task.year_cycle()])


def fit(
    task: Task, frames: Frames, scaler: str, steps: int, seconds: float, **more: Any
) -> NeuralForecast:
    """Train for so many steps, or seconds if those pass first."""
    val_size = more.pop("val_size", 0)
    model = LSTM(
        h=task.horizon,
        input_size=int(task.job["lookback"]),
        encoder_n_layers=1,
        encoder_hidden_size=UNITS,
        decoder_hidden_size=UNITS,
        loss=MQLoss(quantiles=task.levels),
        futr_exog_list=frames.future,
        stat_exog_list=None if frames.static is None else list(frames.static.columns[1:]),
        scaler_type=scaler,
        start_padding_enabled=True,
        max_steps=steps,
        random_seed=int(task.job["seed"]),
        alias="peer",
        max_time={"seconds": seconds},
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        **more,
    )
    forecaster = NeuralForecast(models=[model], freq=1)
    cut = frames.until(task.train_end)
    forecaster.fit(cut, static_df=_present(frames.static, cut), val_size=val_size)
    return forecaster


def predict(
    task: Task, frames: Frames, forecaster: NeuralForecast, origins: np.ndarray
) -> np.ndarray:
    """Forecast from an origin per series. Shape ``(N, H, Q)``; 0 for series left out."""
    history = frames.until(origins)
    forecasts = forecaster.predict(
        df=history,
        static_df=_present(frames.static, history),
        futr_df=frames.ahead(origins, task.horizon),
    )
    columns = [name for name in forecasts.columns if name.startswith("peer")]
    result = np.zeros((len(task.series_id), task.horizon, len(task.levels)))
    row = pd.Index(task.series_id).get_indexer(forecasts["unique_id"])
    step = forecasts["ds"].to_numpy() - origins[row] - 1
    result[row, step] = forecasts[columns].to_numpy()
    return result


def run(task: Task) -> tuple[np.ndarray, dict[str, Any]]:
    """Rehearse each scaler on the last horizon before the test, then train the better one."""
    quiet()
    frames = make_frames(task)
    budget = float(task.job["seconds"])
    rate = use_fastest_threads(task, frames)
    steps = max(int(rate * budget / len(SCALERS) / 2), CHECKS)
    rehearsed = {scaler: _rehearse(task, frames, scaler, steps, budget) for scaler in SCALERS}
    scaler = min(rehearsed, key=lambda name: rehearsed[name][1])
    best, _, last = rehearsed[scaler]
    # Still falling when its rehearsal ended: then the other half of the time is used in full.
    final = int(rate * budget) if best == last else best
    forecaster = fit(task, frames, scaler, final, budget / 2)
    quantiles = np.stack([predict(task, frames, forecaster, o) for o in task.origins])
    return quantiles, {
        "scaler": scaler,
        "steps_at_most": final,
        "threads": torch.get_num_threads(),
        "steps_per_second": rate,
        "rehearsed": rehearsed,
    }


def _rehearse(
    task: Task, frames: Frames, scaler: str, steps: int, budget: float
) -> tuple[int, float, int]:
    """Return the steps with the lowest loss on the held-out horizon, that loss, and all steps."""
    seconds = budget / len(SCALERS) / 2
    check = max(steps // CHECKS, 1)
    forecaster = fit(
        task, frames, scaler, steps, seconds, val_size=task.horizon, val_check_steps=check
    )
    trajectory = forecaster.models[0].valid_trajectories
    best, loss = min(trajectory, key=lambda pair: pair[1])
    return max(int(best), 1), float(loss), int(trajectory[-1][0])


def use_fastest_threads(task: Task, frames: Frames) -> float:
    """Keep one thread or one per core, whichever trains faster; return its steps per second.

    Where other programs use the machine, two threads that wait for each other can be the slower.
    """
    rates = {}
    for threads in {1, os.cpu_count() or 1}:
        torch.set_num_threads(threads)
        rates[threads] = _steps_per_second(task, frames)
    threads = max(rates, key=rates.__getitem__)
    torch.set_num_threads(threads)
    return rates[threads]


def _steps_per_second(task: Task, frames: Frames) -> float:
    """Measure the pace of training, without the first steps' preparations."""
    seconds = []
    for steps in (1, TIMED_STEPS + 1):
        start = time.perf_counter()
        fit(task, frames, SCALERS[0], steps, 60.0)
        seconds.append(time.perf_counter() - start)
    return TIMED_STEPS / max(seconds[1] - seconds[0], 1e-3)


def _filled(values: np.ndarray) -> np.ndarray:
    table = pd.DataFrame(values)
    return table.ffill(axis=1).bfill(axis=1).fillna(0.0).to_numpy()


def _static(task: Task) -> pd.DataFrame | None:
    """Return text as one column per frequent value, and numbers standardised."""
    parts = []
    for name, column in task.static.items():
        if pd.api.types.is_numeric_dtype(column):
            spread = float(column.std()) or 1.0
            parts.append(((column - column.mean()) / spread).rename(name))
        else:
            frequent = column.value_counts().index[:MAX_CATEGORIES]
            coded = column.where(column.isin(frequent), "other")
            parts.append(pd.get_dummies(coded, prefix=name, dtype=float))
    if not parts:
        return None
    table = pd.concat(parts, axis=1)
    table.insert(0, "unique_id", task.series_id)
    return table


def _present(static: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame | None:
    if static is None:
        return None
    return static[static["unique_id"].isin(rows["unique_id"].unique())]
