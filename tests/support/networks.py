"""Networks that have trained for some epochs, on one thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, run_epochs
from restock.types.panel import DemandPanel
from support.builders import HORIZON, recipe_of

END = 40  # where the training of a panel of 50 periods ends


def trained(base: DemandPanel, epochs: int = 2, **groups: dict[str, object]) -> LstmEnsemble:
    """Train what a recipe with these groups says on a panel up to ``END``."""
    backend.prepare(1, 1)
    training = LstmEnsemble(recipe_of(**groups), HORIZON, base, np.full(base.num_series, END))
    for _ in range(epochs):
        run_epoch(training)
    return training


def run_epoch(training: LstmEnsemble) -> float:
    """Train one epoch; return its loss."""
    with ThreadPoolExecutor(2) as pool:
        (loss,) = run_epochs([training], pool)
    return loss
