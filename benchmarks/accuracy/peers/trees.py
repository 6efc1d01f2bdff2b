"""LightGBM: one global model per quantile level, direct over the horizon."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from task import Task

TARGETS = ("raw", "log", "relative")
PROBES = (0.1, 0.5, 0.9)  # levels that choose the target and the rounds
MAX_ROUNDS, FAST_ROUNDS, PATIENCE = 300, 30, 40
MAX_ROWS = 100_000
MIN_CONTEXT = 4
PARAMETERS: dict[str, Any] = {
    "objective": "quantile",
    "learning_rate": 0.06,
    "num_leaves": 31,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "metric": "None",  # the scaled loss stops it
    "verbosity": -1,
}


@dataclass(frozen=True)
class Cells:
    """Forecasts to make or to learn from: one row per series, origin and step."""

    row: np.ndarray
    origin: np.ndarray
    step: np.ndarray

    @property
    def target(self) -> np.ndarray:
        """Position that is forecast."""
        return self.origin + self.step


class Features:
    """The columns of any cell, read from what lies at or before its origin."""

    def __init__(self, task: Task) -> None:
        """Compute each position's levels once."""
        self.task = task
        season = int(task.job["season"])
        windows = (4, 8, 13) if season == 1 else (4, 8, season, 2 * season)
        self.means = {width: _rolling(task.demand, width, np.nanmean) for width in windows}
        known = np.isfinite(task.demand)
        total = np.cumsum(np.where(known, task.demand, 0.0), axis=1)
        self.mean_so_far = total / np.maximum(np.cumsum(known, axis=1), 1)
        self.median = _rolling(task.demand, 8, np.nanmedian)
        self.active = _rolling(
            np.where(np.isfinite(task.demand), task.demand > 0, np.nan), 8, np.nanmean
        )
        self.known_means = {n: _rolling(v, 8, np.nanmean) for n, v in task.known.items()}
        self.categories = {
            name: pd.factorize(column)[0]
            for name, column in task.static.items()
            if not pd.api.types.is_numeric_dtype(column)
        }

    def scale(self, cells: Cells) -> np.ndarray:
        """Return each cell's mean demand up to its origin, above 0."""
        return np.maximum(self.mean_so_far[cells.row, cells.origin], 0.1)

    def levels(self, cells: Cells) -> dict[str, np.ndarray]:
        """Return past demand, in units."""
        row, origin = cells.row, cells.origin
        columns = {f"lag {lag}": self._demand(row, origin - lag + 1) for lag in (1, 2, 3, 4)}
        columns |= {f"mean {width}": mean[row, origin] for width, mean in self.means.items()}
        columns["median 8"] = self.median[row, origin]
        season = int(self.task.job["season"])
        if season > 1:
            seasons_back = -(-cells.step // season)
            columns["last season"] = self._demand(row, cells.target - season * seasons_back)
        return columns

    def others(self, cells: Cells) -> dict[str, np.ndarray]:
        """Return what is not in units of demand."""
        row, target, stamps = cells.row, cells.target, self.task.timestamps
        columns: dict[str, np.ndarray] = {
            "step": cells.step,
            "age": cells.origin - self.task.first[row],
            "active": self.active[row, cells.origin],
            "month": stamps.month.to_numpy()[target],
            "day of year": stamps.dayofyear.to_numpy()[target],
        }
        for name, values in self.task.known.items():
            columns[name] = values[row, target]
            columns[f"{name} against before"] = (
                values[row, target] - self.known_means[name][row, cells.origin]
            )
        for name, column in self.task.static.items():
            codes = self.categories.get(name)
            columns[name] = (column.to_numpy(float) if codes is None else codes)[row]
        return columns

    def table(self, cells: Cells, target: str) -> pd.DataFrame:
        """Return the inputs, past demand on the scale of the target."""
        scaled = {n: _to(target, v, self.scale(cells)) for n, v in self.levels(cells).items()}
        table = pd.DataFrame(scaled | self.others(cells))
        table["level"] = np.log1p(self.scale(cells))
        return table

    def _demand(self, row: np.ndarray, position: np.ndarray) -> np.ndarray:
        known = self.task.demand[row, np.maximum(position, 0)]
        return np.where(position >= 0, known, np.nan)


def run(task: Task) -> tuple[np.ndarray, dict[str, Any]]:
    """Choose target and rounds on the last horizon before the test; then fit all levels."""
    features = Features(task)
    held_out = {target: _held_out(features, target) for target in TARGETS}
    target = min(held_out, key=lambda name: held_out[name][0])
    rounds = held_out[target][1]
    models = _fit(features, target, rounds)
    quantiles = np.stack([_predict(features, models, target, o) for o in task.origins])
    return quantiles, {"target": target, "rounds": rounds, "held_out": held_out}


def _held_out(features: Features, target: str) -> tuple[float, list[int]]:
    """Return the scaled quantile loss before the test, and the rounds of each probe."""
    task = features.task
    cut = np.where(task.train_end >= 0, task.train_end - task.horizon, -1)
    train = _dataset(features, _training_cells(task, cut), target)
    held = _cells_at(task, np.where(cut - task.first >= MIN_CONTEXT, cut, -1))
    held = _take(held, np.isfinite(task.demand[held.row, held.target]))
    valid = _dataset(features, held, target, reference=train)
    models = [
        _probe(features, level, target, train=train, valid=valid, held=held) for level in PROBES
    ]
    losses = [model.best_score["held out"]["scaled"] for model in models]
    return float(np.mean(losses)), [model.best_iteration for model in models]


def _probe(
    features: Features,
    level: float,
    target: str,
    *,
    train: lightgbm.Dataset,
    valid: lightgbm.Dataset,
    held: Cells,
) -> lightgbm.Booster:
    """Boost one level until the held-out loss, scaled as SQL is, falls no more."""
    task = features.task
    actual, scale = task.demand[held.row, held.target], features.scale(held)
    movement = _movement(task, held)

    def scaled(answer: np.ndarray, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        error = actual - _back(target, answer, scale)
        loss = np.maximum(level * error, (level - 1) * error) / movement
        return "scaled", float(np.nanmean(loss)), False

    return lightgbm.train(
        _parameters(task, level),
        train,
        FAST_ROUNDS if task.job["fast"] else MAX_ROUNDS,
        valid_sets=[valid],
        valid_names=["held out"],
        feval=scaled,
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )


def _movement(task: Task, held: Cells) -> np.ndarray:
    """Return each cell's mean seasonal difference before its origin; NaN where nothing moved."""
    m = int(task.job["scale_period"])
    last = np.full(len(task.series_id), -1)
    last[held.row] = held.origin
    known = np.arange(task.demand.shape[1]) <= last[:, None]
    past = np.where(known, task.demand, np.nan)
    differences = np.abs(past[:, m:] - past[:, :-m])
    count = np.isfinite(differences).sum(axis=1)
    mean = np.nansum(differences, axis=1) / np.maximum(count, 1)
    return np.where(mean > 0, mean, np.nan)[held.row]


def _fit(features: Features, target: str, rounds: list[int]) -> list[lightgbm.Booster]:
    """Fit every level, for as many rounds as the probes around it needed."""
    task = features.task
    train = _dataset(features, _training_cells(task, task.train_end), target)
    return [
        lightgbm.train(
            _parameters(task, level), train, round(float(np.interp(level, PROBES, rounds)))
        )
        for level in task.levels
    ]


def _predict(
    features: Features, models: list[lightgbm.Booster], target: str, origins: np.ndarray
) -> np.ndarray:
    task = features.task
    cells = _cells_at(task, origins)
    inputs, scale = features.table(cells, target), features.scale(cells)
    result = np.zeros((len(task.series_id), task.horizon, len(task.levels)))
    for place, model in enumerate(models):
        answer = _back(target, np.asarray(model.predict(inputs)), scale)
        result[cells.row, cells.step - 1, place] = answer
    return result


def _training_cells(task: Task, train_end: np.ndarray) -> Cells:
    """Return cells whose target is known and at or before ``train_end``, drawn evenly."""
    num_steps = task.demand.shape[1]
    row, origin, step = np.meshgrid(
        np.arange(len(task.series_id)),
        np.arange(num_steps),
        np.arange(1, task.horizon + 1),
        indexing="ij",
    )
    every = Cells(row.ravel(), origin.ravel(), step.ravel())
    allowed = every.target <= train_end[every.row]
    allowed &= every.origin - task.first[every.row] + 1 >= MIN_CONTEXT
    target = np.minimum(every.target, num_steps - 1)
    allowed &= np.isfinite(task.demand[every.row, target])
    places = np.flatnonzero(allowed)
    if len(places) > MAX_ROWS:
        rng = np.random.default_rng(int(task.job["seed"]))
        places = np.sort(rng.choice(places, MAX_ROWS, replace=False))
    return _take(every, places)


def _cells_at(task: Task, origins: np.ndarray) -> Cells:
    row = np.repeat(np.flatnonzero(origins >= 0), task.horizon)
    step = np.tile(np.arange(1, task.horizon + 1), int((origins >= 0).sum()))
    return Cells(row, origins[row], step)


def _take(cells: Cells, places: np.ndarray) -> Cells:
    return Cells(cells.row[places], cells.origin[places], cells.step[places])


def _dataset(
    features: Features, cells: Cells, target: str, reference: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    demand = features.task.demand[cells.row, cells.target]
    return lightgbm.Dataset(
        features.table(cells, target),
        _to(target, demand, features.scale(cells)),
        categorical_feature=list(features.categories),
        reference=reference,
        free_raw_data=False,
    )


def _parameters(task: Task, level: float) -> dict[str, Any]:
    own = {"alpha": level, "seed": int(task.job["seed"]), "num_threads": os.cpu_count()}
    return PARAMETERS | own


def _to(target: str, demand: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Bring demand to the scale that is learned."""
    if target == "log":
        return np.log1p(demand)
    return demand / scale if target == "relative" else demand


def _back(target: str, value: np.ndarray, scale: np.ndarray) -> np.ndarray:
    if target == "log":
        return np.expm1(value)
    return value * scale if target == "relative" else value


def _rolling(values: np.ndarray, width: int, statistic: Any) -> np.ndarray:
    """Return the statistic of the last ``width`` known values at each position."""
    padded = np.pad(values.astype(float), ((0, 0), (width - 1, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a window of gaps is NaN
        return np.asarray(statistic(windows, axis=2))
