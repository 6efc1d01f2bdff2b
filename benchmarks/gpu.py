"""Training on an accelerator: beside PyTorch's LSTM there, and beside the CPU.

    make run                                        # once: the main job's panel
    KERAS_BACKEND=jax python benchmarks/gpu.py

Steps: a training step of restock's network in Keras on JAX, and of a network of the same shapes in
PyTorch (cuDNN's LSTM, where there is a GPU), on the same batches, which both copy to the device.
Accuracy: one network is trained on the last tuning fold, on the CPU and on the device, and scored
at every length; the time to equal accuracy is that to the worse of the two best scores. Without a
GPU only the steps are timed, on the CPU. Needs PyTorch (the extra `gp`).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# JAX would else take most of the device's memory before PyTorch starts.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import torch
from torch import nn

from restock.data.store import load_panel
from restock.evaluation.backtest import run_backtest
from restock.evaluation.selection import folds_with_demand
from restock.features.fitted import FittedFeatures, fit_features
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, LstmTraining, train_all
from restock.forecasters.lstm.network import NetworkShape
from restock.forecasters.lstm.schedule import Schedule, budget
from restock.settings.base import narrowed, replace_at
from restock.settings.recipe import Recipe
from restock.settings.tree import Settings, load_params
from restock.types import layout
from restock.types.folds import Fold
from restock.types.panel import DemandPanel
from restock.windows.sequences import SequenceBatch

OUTPUTS = Path("outputs")
WARM_UP, REPEATS = 3, 20
CASES = ((64, 64), (64, 256), (128, 256), (256, 512))  # units, series a batch
SINGLE = {"training.ensemble_size": 1, "training.combine": False}


@dataclass(frozen=True)
class Task:
    """What is trained: the main job's last tuning fold."""

    settings: Settings
    panel: DemandPanel
    fold: Fold

    @classmethod
    def read(cls) -> Task:
        """Read the panel that the main job prepared."""
        folder = OUTPUTS / layout.PANEL
        if not folder.is_dir():
            sys.exit(f"{folder} is missing: run `make run` first")
        settings, panel = replace_at(load_params(Path("params.yaml")), SINGLE), load_panel(folder)
        return cls(settings, panel, folds_with_demand(panel, settings.evaluation).tuning[-1])

    @property
    def horizon(self) -> int:
        """Periods ahead, H."""
        return self.settings.evaluation.horizon

    def prepare(self) -> FittedFeatures:
        """Make the features, once for all cases."""
        return fit_features(self.panel, self.settings.features, self.fold.train_end, self.horizon)

    def training(self, units: int, batch_size: int, fitted: FittedFeatures) -> LstmTraining:
        """Return restock's network of one case."""
        values = {"model.units": units, "training.batch_size": batch_size}
        recipe = narrowed(Recipe, replace_at(self.settings, values))
        return LstmTraining(
            recipe,
            self.horizon,
            self.panel,
            self.fold.train_end,
            fitted,
            schedule=Schedule.up_to(1000),
        )


class TorchNetwork(nn.Module):
    """restock's network, layer by layer, in PyTorch; categories are left to the other one."""

    def __init__(self, shape: NetworkShape, units: int, levels: tuple[float, ...]) -> None:
        super().__init__()
        self.horizon, self.num_anchors, self.num_levels = (
            shape.horizon,
            shape.num_anchors,
            len(levels),
        )
        self.middle = levels.index(0.5)
        self.lstm = nn.LSTM(shape.num_past, units, batch_first=True)
        self.context = nn.Linear(units, units)
        self.ahead = nn.Linear(shape.num_future + 2 * shape.num_anchors, units, bias=False)
        self.step = nn.Parameter(torch.zeros(shape.horizon, units))
        self.decode = nn.Linear(units, units // 2)
        self.raw = nn.Linear(units // 2, 2 * len(levels))
        self.choice = nn.Linear(units // 2, 2 * shape.num_anchors)
        self.dropout = nn.Dropout(0.3)

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Answer ``(B, O, H, 2, Q)``."""
        hidden, _ = self.lstm(inputs["past"])
        index = inputs["origin_index"].long()[:, :, None].expand(-1, -1, hidden.shape[2])
        context = self.context(self.dropout(hidden.gather(1, index)))
        anchors = inputs["anchors"]
        known = torch.cat([inputs["future"], anchors.flatten(3)], dim=3)
        joint = self.ahead(known) + context[:, :, None] + self.step
        joint = nn.functional.silu(self.decode(self.dropout(nn.functional.silu(joint))))
        raw = self.raw(joint).unflatten(3, (2, self.num_levels))
        weights = self.choice(joint).unflatten(3, (2, self.num_anchors)).softmax(4)
        median = raw[..., self.middle : self.middle + 1] + (weights * anchors).sum(4, keepdim=True)
        distances = nn.functional.softplus(raw - 2.0)
        above = distances[..., self.middle + 1 :].cumsum(4)
        below = distances[..., : self.middle].flip(4).cumsum(4).flip(4)
        return torch.cat([median - below, median, median + above], dim=4)


def torch_step(network: TorchNetwork, settings: Settings) -> Callable[[SequenceBatch], float]:
    """Return a training step that does what the one in Keras does."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network.to(device)
    optimizer = torch.optim.Adam(network.parameters(), settings.training.learning_rate)
    levels = torch.tensor(settings.model.quantile_levels, device=device)

    def step(batch: SequenceBatch) -> float:
        inputs = {
            name: torch.from_numpy(values).to(device)
            for name, values in batch.inputs.inputs().items()
        }
        target = torch.from_numpy(batch.target).to(device).arcsinh()
        weight = torch.from_numpy(batch.loss_mask).to(device)
        error = target[..., None] - network(inputs)
        pinball = (error * (levels - (error < 0).float())).mean(4)
        loss = (pinball * weight).sum() / weight.sum()
        optimizer.zero_grad()
        loss.backward()
        for parameter in network.parameters():  # each by itself, as Keras' clipnorm does
            nn.utils.clip_grad_norm_(parameter, settings.training.clip_norm)
        optimizer.step()
        return loss.item()

    return step


def keras_step(training: LstmTraining) -> Callable[[SequenceBatch], float]:
    """Return restock's own training step."""

    def step(batch: SequenceBatch) -> float:
        return float(
            training.network.train_on_batch(
                batch.inputs.inputs(), batch.target, sample_weight=batch.loss_mask
            )
        )

    return step


def median_ms(step: Callable[[SequenceBatch], float], batches: list[SequenceBatch]) -> float:
    """Return the median of some steps, after the first, in milliseconds."""
    seconds = []
    for number in range(WARM_UP + REPEATS):
        start = time.perf_counter()
        step(batches[number % len(batches)])
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[WARM_UP:]) * 1e3


def compare_steps(task: Task) -> None:
    """Print the milliseconds of a step for each case."""
    fitted = task.prepare()
    print("units batch | restock, Keras on JAX ms | PyTorch ms | ratio")
    for units, batch_size in CASES:
        training = task.training(units, batch_size, fitted)
        batches = []
        for training.step in range(WARM_UP):
            batches.append(training.batch())
        levels = task.settings.model.quantile_levels
        network = TorchNetwork(training.shape, units, levels)
        own = median_ms(keras_step(training), batches)
        peer = median_ms(torch_step(network, task.settings), batches)
        print(
            f"{units:5d} {batch_size:5d} | {own:24.2f} | {peer:10.2f} | {own / peer:.2f}",
            flush=True,
        )


def curve(task: Task) -> list[tuple[float, float]]:
    """Train one network; return the seconds of training and the wql at each length."""
    recipe = narrowed(Recipe, task.settings)
    ensemble = LstmEnsemble(recipe, task.horizon, task.panel, task.fold.train_end)
    points, seconds = [], 0.0
    with ThreadPoolExecutor(1) as pool:
        for length in budget(recipe.training, task.panel, task.fold.train_end).lengths:
            start = time.perf_counter()
            for _ in train_all([ensemble], length, pool):
                pass
            seconds += time.perf_counter() - start
            wql = run_backtest(ensemble.predict, task.panel, task.fold, 1).scores()["wql"]
            points.append((seconds, wql))
    return points


def curve_on(platform: str) -> list[tuple[float, float]]:
    """Return the curve of a process of its own: a process has one default device."""
    env = {**os.environ, "JAX_PLATFORMS": platform}
    command = [sys.executable, __file__, "--curve"]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return [tuple(point) for point in json.loads(done.stdout.splitlines()[-1])]


def compare_accuracy() -> None:
    """Print the seconds to equal accuracy on the CPU and on the GPU, compilation included."""
    curves = {platform: curve_on(platform) for platform in ("cpu", "cuda")}
    target = max(min(wql for _, wql in points) for points in curves.values())
    reached = {
        name: next(seconds for seconds, wql in points if wql <= target)
        for name, points in curves.items()
    }
    print(
        f"wql {target:.4f}: CPU {reached['cpu']:.1f} s, GPU {reached['cuda']:.1f} s, "
        f"{reached['cpu'] / reached['cuda']:.1f} times faster"
    )
    for name, points in curves.items():
        print(f"{name}: " + ", ".join(f"{wql:.4f} at {seconds:.1f} s" for seconds, wql in points))


def main() -> None:
    if os.environ.get("KERAS_BACKEND") != "jax":
        sys.exit("set KERAS_BACKEND=jax: TensorFlow would compute instead")
    # JAX multiplies float32 matrices in TensorFloat-32 where the device can: so does PyTorch now.
    torch.set_float32_matmul_precision("high")
    task = Task.read()
    backend.prepare(task.settings.seed, 0)
    if sys.argv[1:] == ["--curve"]:
        print(json.dumps(curve(task)))
        return
    device = jax.devices()[0]
    print(
        f"JAX {jax.__version__} on {device.device_kind}, PyTorch {torch.__version__} on "
        f"{torch.cuda.get_device_name() if torch.cuda.is_available() else 'the CPU'}"
    )
    compare_steps(task)
    if device.platform == "gpu":
        compare_accuracy()
    else:
        print("no GPU: time to equal accuracy is not measured")


if __name__ == "__main__":
    main()
