"""The objective of a trial: what it proposes is trained on the tuning folds and scored there."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from restock.decisions.cost import realised_cost
from restock.decisions.demand import LeadTimeDemand
from restock.forecasters.lstm.fit import LstmRecipe
from restock.settings.tree import InventorySettings, Settings, replace_at
from restock.sweeps.checkpoint import Checkpoints
from restock.sweeps.loop import Report
from restock.sweeps.results import Outcome
from restock.training.fold_features import SweepData
from restock.training.folds import FoldTraining, taking_part
from restock.types.folds import Fold
from restock.types.panel import DemandPanel, IntArray


class FoldObjective:
    """Trains what a trial proposes on the tuning folds, and goes on where a dead worker stopped."""

    def __init__(self, settings: Settings, data: SweepData, pool_size: int) -> None:
        """Take what all trials share.

        Args:
            settings: The sweep's; a trial replaces the swept values.
            data: What to train on.
            pool_size: Networks that train at a time in this process.
        """
        # One network a fold: an ensemble improves all configurations alike, and costs its size.
        self.settings = replace_at(settings, {"training.ensemble_size": 1})
        self.data, self.pool_size = data, pool_size

    def __call__(
        self, values: dict[str, object], epochs: int | None, states: Checkpoints, report: Report
    ) -> Outcome:
        """Train and score after each epoch.

        Args:
            values: Swept values, by settings path.
            epochs: A budget set by the tuner; None: as the settings say.
            states: Where to save after each epoch, and what to go on from.
            report: Told each fold's loss after each epoch; may raise to stop.
        """
        settings = replace_at(self.settings, values)
        data, search = self.data, settings.search
        training = FoldTraining(
            LstmRecipe.from_settings(settings),
            data.panel,
            data.folds,
            data.prepared,
            num_threads=settings.engine.num_threads,
            num_seeds=search.num_seeds,
        )
        costs: list[float] = []  # after each epoch
        saved = states.load()
        if saved is not None:
            training.restore(saved)
            costs = saved["costs"].tolist()
        for epoch in range(len(training.curve)):
            report(epoch, [curve[epoch] for curve in training.fold_curves])
        with ThreadPoolExecutor(self.pool_size) as pool:
            for epoch in range(len(training.curve), epochs or settings.training.max_epochs):
                training.run_epoch(pool)
                if "inventory_cost" in search.objectives:
                    costs.append(_inventory_cost(training, settings.inventory))
                states.save(epoch + 1, training.progress() | {"costs": np.array(costs)})
                report(epoch, [curve[-1] for curve in training.fold_curves])
        best = int(np.argmin(training.curve))
        outcome = training.outcome(best)
        measured: dict[str, Callable[[], float]] = {
            "wql": lambda: outcome.value,
            "inventory_cost": lambda: costs[best],
            "latency": lambda: _latency(training),
            "size": lambda: float(training.ensembles[0].members[0].network.count_params()),
        }
        return replace(outcome, scores={name: measured[name]() for name in search.objectives})


def _inventory_cost(training: FoldTraining, inventory: InventorySettings) -> float:
    """Cost per unit of demand as trained so far, mean over folds; see :func:`realised_cost`."""
    periods = inventory.protection_interval
    costs = []
    for fold, forecast in zip(training.folds, training.forecasts, strict=True):
        kept, total = _totals(training.panel, fold, periods)
        every = LeadTimeDemand.from_forecast(forecast, periods)
        demand = replace(every, totals=every.totals[kept])
        costs.append(realised_cost(demand, total, inventory).sum() / max(total.sum(), 1e-12))
    return float(np.mean(costs))


def _totals(panel: DemandPanel, fold: Fold, periods: int) -> tuple[IntArray, np.ndarray]:
    """Return series with known demand in all of the periods after the origin, and its total."""
    (origins,) = fold.origins
    rows = np.flatnonzero(origins >= 0)
    targets = origins[rows, None] + np.arange(1, periods + 1)
    total = panel.uncensored[rows[:, None], targets].sum(axis=1)
    known = np.isfinite(total)
    return rows[known], total[known]


def _latency(training: FoldTraining) -> float:
    """Seconds to forecast one fold's series once, after a first forecast."""

    def forecast() -> None:
        for ensemble, fold in zip(training.ensembles, training.folds, strict=False):
            ensemble.predict(taking_part(fold.origins[0]))

    forecast()
    started = time.perf_counter()
    forecast()
    return (time.perf_counter() - started) / len(training.folds)
