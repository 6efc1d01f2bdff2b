"""Gradient-boosted quantile trees over all series: the strongest baseline for the LSTM.

There is one model for each of a few quantile levels. It serves all series, all steps and the
running total (direct multi-step forecasts; the step is a feature). Features, scale and targets are
those of the network. Shapes: N series, H horizon, R rows, C columns, Q levels of the forecast,
F levels fitted.

Source:
    Ke et al., LightGBM (NeurIPS 2017), as scikit-learn's histogram-based gradient boosting; the
    pinball loss of Koenker and Bassett (1978). Global models of this kind won the M5 competition
    (Makridakis, Spiliotis and Assimakopoulos, 2022).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from restock.errors import DataError
from restock.features.fit import fit_state
from restock.forecasters.baselines.forest import (
    KINDS,
    FittedTrees,
    Forest,
    design,
    windows_of_one,
)
from restock.seeding import child_seed, generator
from restock.settings.baselines import TreeSettings
from restock.settings.features import FeatureSettings
from restock.types.features import FeatureState
from restock.types.panel import DemandPanel, FloatArray, IntArray

# Levels that are fitted, besides the lowest and the highest level of the forecast.
CORE_LEVELS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9)
MIN_CONTEXT = 8  # periods of history up to the first training origin
GATHERED_AT_ONCE = 512  # rows
# Rows of one origin are similar: a leaf with many rows has only few origins (docs/decisions/0014).
MIN_SAMPLES_LEAF = 100


@dataclass(frozen=True)
class BoostedTrees:
    """Boosted trees that can be fitted.

    Attributes:
        features: Settings of the features: those of the network.
        settings: Numbers of rows and trees, learning rate.
        horizon: H.
        levels: Quantile levels of the forecast. Shape ``(Q,)``.
        seed: Seed of the trees and of the training rows.
    """

    features: FeatureSettings
    settings: TreeSettings
    horizon: int
    levels: FloatArray
    seed: int

    def fit(self, panel: DemandPanel, train_end: IntArray) -> FittedTrees:
        """Fit feature constants and trees on targets at or before ``train_end``.

        Args:
            panel: The whole panel; demand after ``train_end`` is not read.
            train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.
        """
        import sklearn.ensemble  # noqa: F401 - before its threads are looked for
        from threadpoolctl import ThreadpoolController

        state = fit_state(panel, self.features, train_end)
        columns, target = self._rows(panel, state, train_end)
        fitted = fitted_levels(self.levels)

        threads = ThreadpoolController()

        def fit(level: float) -> Forest:
            # One thread per model. OpenMP's threads wait for each other at every split, which is
            # much slower if other programs run on the machine.
            with threads.limit(limits=1, user_api="openmp"):
                return laid_out(self._model(level).fit(columns, target))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            forests = tuple(pool.map(fit, fitted))
        levels = np.array(fitted)
        return FittedTrees(self.features, self.horizon, self.levels, state, levels, forests)

    def _rows(
        self, panel: DemandPanel, state: FeatureState, train_end: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Draw training rows: columns ``(R, C)`` and targets ``(R,)``."""
        windows = windows_of_one(panel, self.features, state, self.horizon)
        series, origins = training_pairs(panel, train_end)
        each = self.horizon * KINDS
        drawn = self._draw(len(series) * each)
        columns, targets = [], []
        for part in np.array_split(drawn, -(-len(drawn) // GATHERED_AT_ONCE)):
            pairs, place = np.unique(part // each, return_inverse=True)
            batch = windows.pairs(series[pairs], origins[pairs], train_end)
            place = place * each + part % each
            place = place[batch.loss_mask.reshape(-1)[place] > 0]
            columns.append(design(batch.inputs).reshape(len(pairs) * each, -1)[place])
            targets.append(np.arcsinh(batch.target.reshape(-1)[place]))
        return np.concatenate(columns), np.concatenate(targets)

    def _draw(self, total: int) -> IntArray:
        """Return the numbers of the training rows: all, or a sample as large as allowed."""
        if total <= self.settings.num_rows:
            return np.arange(total)
        rng = generator(self.seed, "tree rows")
        return np.sort(rng.choice(total, self.settings.num_rows, replace=False))

    def _model(self, level: float) -> Any:
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            loss="quantile",
            quantile=level,
            max_iter=self.settings.num_iterations,
            learning_rate=self.settings.learning_rate,
            min_samples_leaf=MIN_SAMPLES_LEAF,
            max_features=0.3,
            early_stopping=False,
            random_state=child_seed(self.seed, "trees"),
        )


def laid_out(model: Any) -> Forest:
    """Turn the trees of a fitted scikit-learn model into arrays; its nodes are not public."""
    nodes = [predictor.nodes for (predictor,) in model._predictors]
    roots = np.cumsum([0, *(len(tree) for tree in nodes[:-1])])
    joined = np.concatenate(nodes)
    first = np.repeat(roots, [len(tree) for tree in nodes])
    leaf = joined["is_leaf"].astype(bool)
    itself = np.arange(len(joined))
    children = [np.where(leaf, itself, joined[side] + first) for side in ("left", "right")]
    return Forest(
        start=float(model._baseline_prediction.item()),
        roots=roots.astype(np.int32),
        column=np.where(leaf, 0, joined["feature_idx"]).astype(np.int32),
        threshold=joined["num_threshold"].astype(float),
        children=np.stack(children, axis=1).astype(np.int32),
        value=joined["value"].astype(float),
        depth=int(joined["depth"].max()),
    )


def fitted_levels(levels: FloatArray) -> list[float]:
    """Return the levels to fit: the lowest and the highest, and core levels between them."""
    low, high = float(levels.min()), float(levels.max())
    return sorted({low, high, *(level for level in CORE_LEVELS if low < level < high)})


def training_pairs(panel: DemandPanel, train_end: IntArray) -> tuple[IntArray, IntArray]:
    """Return all pairs of series and origin with enough history and a training target.

    Raises:
        DataError: If there is no such pair.
    """
    place = np.arange(panel.num_steps)[None, :]
    before = place < train_end[:, None]
    for context in (MIN_CONTEXT, 1):  # short panels: any origin
        first = panel.first_seen[:, None] + context - 1
        rows, origins = np.nonzero(before & (place >= first))
        if rows.size:
            return rows, origins
    raise DataError(
        "boosted_trees: no series has two periods before the training ends. Remove boosted_trees "
        "from evaluation.baselines.names."
    )
