"""Which model is chosen, and on what it was fitted when it was judged."""

from __future__ import annotations

import numpy as np

from restock.evaluation.selection import choose, folds_with_demand, tuning_wql
from restock.forecasters.baselines.points import naive
from restock.forecasters.baselines.spread import Baseline
from restock.types.panel import DemandPanel, IntArray
from support.builders import LEVELS, evaluation, panel


class Recording(Baseline):
    """A baseline that remembers where it was fitted."""

    ends: list[int]

    def fit(self, panel: DemandPanel, train_end: IntArray) -> Baseline:
        self.ends.append(int(train_end[0]))
        return self


def test_every_tuning_fold_is_forecast_by_a_model_fitted_for_it() -> None:
    base = panel(3, 60)
    folds = folds_with_demand(base, evaluation(num_tuning_folds=2))
    forecaster = Recording(3, np.array(LEVELS), naive, 20)
    object.__setattr__(forecaster, "ends", [])
    loss = tuning_wql(forecaster, base, folds)
    assert forecaster.ends == [int(fold.train_end[0]) for fold in folds.tuning]
    assert len(set(forecaster.ends)) == 2
    assert loss is not None
    assert loss > 0


def test_without_any_loss_a_model_that_stands_in_the_report_is_chosen() -> None:
    assert choose({"theta": None, "lstm": float("nan")}) == "theta"
