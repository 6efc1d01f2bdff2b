"""Networks that have trained for some steps, on one thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, train_all
from restock.types.panel import DemandPanel
from support.builders import HORIZON, recipe_of

END = 40  # where the training of a panel of 50 periods ends


def trained(base: DemandPanel, steps: int = 2, **groups: dict[str, object]) -> LstmEnsemble:
    """Train what a recipe with these groups says on a panel up to ``END``."""
    backend.prepare(1, 1)
    training = LstmEnsemble(recipe_of(**groups), HORIZON, base, np.full(base.num_series, END))
    train(training, steps)
    return training


def train(training: LstmEnsemble, length: int) -> list[float]:
    """Train up to a length; return the loss of each step."""
    with ThreadPoolExecutor(2) as pool:
        return [loss for losses in train_all([training], length, pool) for loss in losses]
