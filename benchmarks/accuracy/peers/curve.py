"""How good neuralforecast's LSTM is after so many seconds of training.

    python benchmarks/accuracy/peers/curve.py FOLDER

FOLDER holds the task, whose seconds are trained once with each scaler. The forecasts after each
checkpoint are written beside it, and curve.json names them with their seconds.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lstm import SCALERS, Frames, fit, make_frames, predict, quiet, use_fastest_threads
from pytorch_lightning import Callback
from task import Task, read_task, write_forecasts

SHARES = (1 / 24, 1 / 12, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 0.99)  # of the given seconds
ENDLESS = 1_000_000  # steps: the time ends the training
Weights = dict[str, torch.Tensor]


class Checkpoints(Callback):
    """Keep the weights once each share of the time has passed."""

    def __init__(self, seconds: float, kept: list[tuple[float, Weights]]) -> None:
        """Weights go to ``kept``, which the caller holds: the trainer may copy callbacks."""
        self.marks = [share * seconds for share in SHARES]
        self.kept = kept
        self.start = 0.0

    def __deepcopy__(self, _: Any) -> Checkpoints:
        """Return itself: a copy would keep weights where nobody looks."""
        return self

    def on_train_start(self, *_: Any) -> None:
        """Start the clock."""
        self.start = time.perf_counter()

    def on_train_batch_end(self, _: Any, model: torch.nn.Module, *__: Any) -> None:
        """Keep the weights if a mark has passed."""
        elapsed = time.perf_counter() - self.start
        if len(self.kept) < len(self.marks) and elapsed >= self.marks[len(self.kept)]:
            weights = {name: value.clone() for name, value in model.state_dict().items()}
            self.kept.append((elapsed, weights))


def train_and_write(task: Task, frames: Frames, scaler: str, folder: Path) -> list[dict[str, Any]]:
    """Train with one scaler; return the name and the seconds of each checkpoint's forecasts."""
    seconds = float(task.job["seconds"])
    kept: list[tuple[float, Weights]] = []
    callback = Checkpoints(seconds, kept)
    forecaster = fit(task, frames, scaler, ENDLESS, seconds, callbacks=[callback])
    written = []
    for number, (elapsed, weights) in enumerate(kept):
        forecaster.models[0].load_state_dict(weights)
        quantiles = np.stack([predict(task, frames, forecaster, o) for o in task.origins])
        name = f"curve_{scaler}_{number}"
        write_forecasts(folder / name, task, quantiles, elapsed, {"scaler": scaler})
        written.append({"name": name, "scaler": scaler, "seconds": elapsed})
    return written


def main() -> None:
    folder = Path(sys.argv[1])
    quiet()
    task = read_task(folder)
    frames = make_frames(task)
    use_fastest_threads(task, frames)
    written = [
        point for scaler in SCALERS for point in train_and_write(task, frames, scaler, folder)
    ]
    (folder / "curve.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
