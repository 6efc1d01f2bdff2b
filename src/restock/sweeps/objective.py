"""The objective of a trial: train the proposed values on the tuning folds, and score them there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from restock.decisions.cost import realised_cost
from restock.decisions.demand import LeadTimeDemand
from restock.settings.base import replace_at
from restock.settings.costs import CostSettings
from restock.sweeps.checkpoint import Checkpoints
from restock.sweeps.loop import Report
from restock.sweeps.shared import SweepData
from restock.sweeps.spec import SearchRecipe
from restock.training.folds import FoldTraining, taking_part
from restock.training.outcome import Outcome


class FoldObjective:
    """Trains the values of a trial on the tuning folds. It resumes from saved states."""

    def __init__(
        self, settings: SearchRecipe, data: SweepData, *, num_threads: int, pool_size: int
    ) -> None:
        """Keep what all trials share.

        Args:
            settings: Settings of the sweep; a trial replaces the swept values.
            data: Panel, folds and features.
            num_threads: Threads inside one operation.
            pool_size: Networks that train at the same time in this process.
        """
        # One network per fold: an ensemble improves all configurations alike, but takes more time.
        self.settings = replace_at(settings, {"training.ensemble_size": 1})
        self.data, self.num_threads, self.pool_size = data, num_threads, pool_size

    def __call__(
        self, values: dict[str, Any], epochs: int | None, states: Checkpoints, report: Report
    ) -> Outcome:
        """Train and score after each epoch.

        Args:
            values: Swept values, by settings path.
            epochs: Number of epochs set by the tuner; None: the number in the settings.
            states: Checkpoints: the state after each epoch is saved there, and a stored one is
                resumed.
            report: Gets each fold's loss after each epoch. It may raise an error to stop.
        """
        settings = replace_at(self.settings, values)
        training = self._fresh(settings)
        costs: list[float] = []  # after each epoch
        saved = states.load()
        if saved is not None:
            training.restore(saved)
            costs = saved["costs"].tolist()
        for epoch in range(len(training.curve)):
            report(epoch, [curve[epoch] for curve in training.fold_curves])
        total = epochs or settings.training.max_epochs
        for epoch in training.epochs(total, self.pool_size):
            if "inventory_cost" in settings.search.objectives:
                costs.append(_inventory_cost(training, settings.inventory))
            states.save(epoch + 1, training.progress() | {"costs": np.array(costs)})
            report(epoch, [curve[-1] for curve in training.fold_curves])
        return _outcome(training, costs, settings.search.objectives)

    def _fresh(self, settings: SearchRecipe) -> FoldTraining:
        data = self.data
        return FoldTraining(
            settings,
            data.panel,
            data.folds,
            data.features,
            num_threads=self.num_threads,
            num_seeds=settings.search.num_seeds,
        )


def _outcome(training: FoldTraining, costs: list[float], objectives: tuple[str, ...]) -> Outcome:
    """Return what was measured, with the value of each objective at the best epoch."""
    best = int(np.argmin(training.curve))
    outcome = training.outcome(best)
    measured: dict[str, Callable[[], float]] = {
        "wql": lambda: outcome.value,
        "inventory_cost": lambda: costs[best],
        "latency": lambda: _latency(training),
        "size": lambda: float(training.ensembles[0].members[0].network.count_params()),
    }
    return replace(outcome, scores={name: measured[name]() for name in objectives})


def _inventory_cost(training: FoldTraining, settings: CostSettings) -> float:
    """Return the current cost per unit of demand, mean over folds; see :func:`realised_cost`."""
    periods = settings.protection_interval
    costs = []
    for fold, forecast in zip(training.folds, training.forecasts, strict=True):
        (origins,) = fold.origins
        total = training.panel.actuals(origins, periods).sum(axis=1)
        known = np.flatnonzero(np.isfinite(total))
        every = LeadTimeDemand.from_forecast(forecast, periods)
        demand = replace(every, totals=every.totals[known])
        cost = realised_cost(demand, total[known], settings).sum()
        costs.append(cost / max(total[known].sum(), 1e-12))
    return float(np.mean(costs))


def _latency(training: FoldTraining) -> float:
    """Return the seconds to forecast one fold's series. A first forecast is not measured."""

    def forecast() -> None:
        for ensemble, fold in zip(training.ensembles, training.folds, strict=False):
            ensemble.predict(taking_part(fold.origins[0]))

    forecast()
    started = time.perf_counter()
    forecast()
    return (time.perf_counter() - started) / len(training.folds)
