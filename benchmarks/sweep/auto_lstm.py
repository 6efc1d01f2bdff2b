"""neuralforecast's AutoLSTM on the same weekly demand. Runs in the peers' environment.

Called by real.py. A trial takes as many steps as one of ours: those of 160 over two tuning folds,
and one validation at the end.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.auto import AutoLSTM
from neuralforecast.losses.pytorch import MQLoss

HORIZON, LOOKBACK, STEPS, FOLDS, TEST = 4, 104, 160, 2, 12
LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    demand = np.load(Path(sys.argv[1]) / "demand.npz")["demand"][:, :-TEST]
    num_series, num_steps = demand.shape
    table = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(num_series), num_steps),
            "ds": np.tile(np.arange(num_steps), num_series),
            "y": np.nan_to_num(demand).ravel(),
        }
    )

    def config(trial: optuna.Trial) -> dict[str, Any]:
        batch = trial.suggest_categorical("batch_size", [32, 64, 128])
        units = trial.suggest_int("units", 16, 96, step=16)
        steps = STEPS * FOLDS
        return {
            "input_size": min(LOOKBACK, num_steps - 2 * HORIZON),
            "encoder_hidden_size": units,
            "decoder_hidden_size": units,
            "encoder_n_layers": trial.suggest_int("num_layers", 1, 2),
            "encoder_dropout": trial.suggest_float("dropout", 0.0, 0.4, step=0.1),
            "learning_rate": trial.suggest_float("learning_rate", 5e-4, 2e-2, log=True),
            "batch_size": batch,
            "max_steps": steps,
            "val_check_steps": steps,
            "scaler_type": "robust",
            "random_seed": 1,
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
        }

    model = AutoLSTM(
        h=HORIZON,
        loss=MQLoss(quantiles=LEVELS),
        config=config,
        num_samples=int(sys.argv[2]),
        backend="optuna",
        search_alg=optuna.samplers.RandomSampler(seed=1),
    )
    started = time.perf_counter()
    forecaster = NeuralForecast(models=[model], freq=1)
    forecaster.fit(table, val_size=HORIZON, verbose=False)
    best = forecaster.models[0].results.best_value
    seconds = time.perf_counter() - started
    past = table[table["ds"] < num_steps - HORIZON]
    forecast = forecaster.predict(df=past)
    quantiles = forecast.iloc[:, -len(LEVELS) :].to_numpy().reshape(num_series, HORIZON, -1)
    print()
    wql = loss(demand[:, -HORIZON:], quantiles)
    print(json.dumps({"best": float(best), "seconds": seconds, "wql": wql}))


def loss(actual: np.ndarray, quantiles: np.ndarray) -> float:
    """Return the weighted quantile loss over the deciles."""
    error = actual[:, :, None] - quantiles
    levels = np.array(LEVELS)
    pinball = np.maximum(levels * error, (levels - 1) * error).mean(axis=2)
    return float(2 * pinball.sum() / actual.sum())


if __name__ == "__main__":
    main()
