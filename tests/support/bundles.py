"""Bundles whose labels do not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restock.forecasters.baselines.forest import FittedTrees
from restock.forecasters.bundle import Manifest
from restock.forecasters.combine import Combination
from restock.forecasters.lstm.fit import LstmEnsemble
from restock.forecasters.lstm.save import save_bundle
from support.builders import LEVELS, baselines


def save(
    ensemble: LstmEnsemble,
    folder: Path,
    combination: Combination | None = None,
    trees: FittedTrees | None = None,
    tuning_wql: float | None = None,
) -> Manifest:
    """Save a bundle: the network alone, unless a combination says otherwise."""
    return save_bundle(
        ensemble,
        folder,
        combination=combination or Combination.plain(np.array(LEVELS)),
        trees=trees,
        baselines=baselines(),
        cut="c",
        tuning_wql=tuning_wql,
        data_digest="d",
    )
