"""Save a finished training as a bundle."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from restock import __version__
from restock.data.files import digest, replacing
from restock.features.state import write_state
from restock.forecasters import bundle
from restock.forecasters.baselines.forest import FittedTrees
from restock.forecasters.baselines.spread import Baseline
from restock.forecasters.combine import Combination
from restock.forecasters.export import save_keras, save_onnx, weights_digest
from restock.forecasters.lstm.fit import LstmEnsemble
from restock.forecasters.names import BOOSTED_TREES
from restock.types.forecast import FittedForecaster


def save_bundle(
    training: LstmEnsemble,
    folder: Path,
    *,
    choice: dict[str, Any],
    combination: Combination,
    others: Mapping[str, FittedForecaster],
    cut: str,
    tuning_loss: float | None,
    data_digest: str,
) -> bundle.Manifest:
    """Write the network, its feature state and its manifest: all of the files or none.

    Args:
        training: The trained networks.
        folder: Folder of the bundle.
        choice: See :class:`Manifest`.
        combination: What forecasts, and how it is mixed and calibrated.
        others: The other models in the combination, fitted.
        cut: See :class:`Manifest`.
        tuning_loss: See :class:`Manifest`.
        data_digest: See :class:`Manifest`.
    """
    recipe, panel = training.recipe, training.panel
    with replacing(folder) as aside:
        aside.mkdir()
        network = training.network()
        save_keras(network, aside / "model.keras")
        save_onnx(network, aside / "model.onnx")
        write_state(aside / "state.json", training.state)
        trees = others.get(BOOSTED_TREES)
        if isinstance(trees, FittedTrees):
            (aside / bundle.TREES).write_bytes(trees.to_bytes())
        pools = {n: m.pool for n, m in others.items() if isinstance(m, Baseline) and m.pool}
        if pools:
            (aside / bundle.POOLS).write_bytes(bundle.pools_to_bytes(pools))
        files = {path.name: digest(path) for path in sorted(aside.iterdir())}
        parts = [weights_digest(network), files.get(bundle.TREES, ""), files.get(bundle.POOLS, "")]
        manifest = bundle.Manifest(
            digest=bundle.name(parts, combination),
            files=files,
            frequency=panel.frequency,
            unit=panel.unit,
            horizon=training.horizon,
            levels=list(recipe.model.quantile_levels),
            roles=bundle.roles(panel),
            cut=cut,
            train_end=str(panel.timestamps[int(training.train_end.max())].date()),
            features=recipe.features.model_dump(mode="json"),
            windows=recipe.windows.model_dump(mode="json"),
            model=recipe.model.model_dump(mode="json"),
            training=recipe.training.model_dump(mode="json"),
            choice=choice,
            combination=dataclasses.asdict(combination),
            baselines=recipe.evaluation.baselines.model_dump(mode="json"),
            seed=recipe.seed,
            steps=training.step,
            tuning_loss=tuning_loss,
            data_digest=data_digest,
            versions={
                "restock": __version__,
                **{name: version(name) for name in ("keras", "numpy", "pandas", "onnx")},
            },
        )
        bundle.write_manifest(aside, manifest)
    return manifest
