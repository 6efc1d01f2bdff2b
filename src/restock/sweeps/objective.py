"""The objective of a trial: train the proposed values on the tuning folds, and score them there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from restock.decisions.cost import realised_cost
from restock.decisions.demand import LeadTimeDemand
from restock.evaluation.selection import forecasts_from
from restock.settings.base import replace_at
from restock.settings.costs import CostSettings
from restock.sweeps.checkpoint import Checkpoints
from restock.sweeps.loop import Report
from restock.sweeps.shared import SweepData
from restock.sweeps.spec import SearchRecipe
from restock.training.folds import FoldTraining
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
        self, values: dict[str, Any], share: float | None, states: Checkpoints, report: Report
    ) -> Outcome:
        """Train and score at each length.

        Args:
            values: Swept values, by settings path.
            share: Share of the budget set by the tuner; None: all of it.
            states: Checkpoints: states are saved there, and a stored one is resumed.
            report: Gets the losses at each length. It may raise an error to stop.
        """
        settings = replace_at(self.settings, values)
        training = self._fresh(settings)
        if share is not None:
            training.schedule = training.schedule.part(share)
        costs: list[float] = []  # at each length
        saved = states.load()
        if saved is not None:
            training.restore(saved)
            costs = saved["costs"].tolist()
        for found in training.measured:
            report(found)
        while (length := training.next_length) is not None:
            for _ in training.train(length, self.pool_size):
                states.save(training.progress() | {"costs": np.array(costs)})
                report(None)
            if "inventory_cost" in settings.search.objectives:
                costs.append(_inventory_cost(training, settings.inventory))
            states.save(training.progress() | {"costs": np.array(costs)})
            report(training.measured[-1])
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
    """Return what was measured, with the value of each objective at the best length."""
    outcome = Outcome.of(training.measured)
    best = outcome.lengths.index(outcome.steps)
    measured: dict[str, Callable[[], float]] = {
        "loss": lambda: outcome.value,
        "inventory_cost": lambda: costs[best],
        "latency": lambda: _latency(training),
        "size": lambda: float(training.ensembles[0].members[0].network.count_params()),
    }
    return replace(outcome, scores={name: measured[name]() for name in objectives})


def _inventory_cost(training: FoldTraining, settings: CostSettings) -> float:
    """Return the current cost per unit of demand, mean over origins; see :func:`realised_cost`."""
    periods = settings.protection_interval
    costs = []
    for fold, forecasts in zip(training.folds, training.forecasts, strict=True):
        for number, forecast in enumerate(forecasts):
            total = fold.actuals(training.panel, number, periods).sum(axis=1)
            known = np.flatnonzero(np.isfinite(total))
            if known.size:  # the periods until the delivery may lie beyond a short fold
                every = LeadTimeDemand.from_forecast(forecast, periods)
                demand = replace(every, totals=every.totals[known])
                cost = realised_cost(demand, total[known], settings).sum()
                costs.append(cost / max(total[known].sum(), 1e-12))
    return float(np.mean(costs)) if costs else float("nan")


def _latency(training: FoldTraining) -> float:
    """Return the seconds to forecast one fold's series. A first forecast is not measured."""

    def forecast() -> None:
        for ensemble, fold in zip(training.ensembles, training.folds, strict=False):
            forecasts_from(ensemble.predict, replace(fold, origins=fold.origins[:1]))

    forecast()
    started = time.perf_counter()
    forecast()
    return (time.perf_counter() - started) / len(training.folds)
