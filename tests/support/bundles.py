"""Bundles whose labels do not matter, and one as it is registered."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restock.forecasters.baselines.forest import FittedTrees
from restock.forecasters.bundle import Manifest, load_bundle
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble
from restock.forecasters.lstm.save import save_bundle
from restock.settings.inventory import InventorySettings
from support.builders import HORIZON, LEVELS, panel, recipe_of


def save(
    ensemble: LstmEnsemble,
    folder: Path,
    combination: Combination | None = None,
    trees: FittedTrees | None = None,
    tuning_loss: float | None = None,
) -> Manifest:
    """Save a bundle: the network alone, unless a combination says otherwise."""
    return save_bundle(
        ensemble,
        folder,
        choice={},
        combination=combination or Combination.plain(np.array(LEVELS)),
        others={"boosted_trees": trees} if trees else {},
        cut="c",
        tuning_loss=tuning_loss,
        data_digest="d",
    )


def registered(folder: Path) -> Path:
    """Save a network that has learned nothing as the MLflow model that would be registered."""
    from restock.champions.model import save_model

    backend.prepare(1, 1)
    save(LstmEnsemble(recipe_of(), HORIZON, panel(3, 50), np.full(3, 40)), folder / "bundle")
    bundle = load_bundle(folder / "bundle")
    return save_model(bundle, InventorySettings(), panel(3, 50), folder / "model")
