"""Gradient-boosted quantile trees over all series: what an LSTM must beat to earn its keep.

One model for each of a few quantile levels serves every series, every step ahead and the running
total (direct multi-step, the step is a feature). Features, scale and targets are those of the
network. Shapes: N series, H horizon, R rows, C columns, Q levels asked for, F levels fitted.

Source:
    Ke et al., LightGBM (NeurIPS 2017), as scikit-learn's histogram-based gradient boosting; the
    pinball loss of Koenker and Bassett (1978). Global models of this kind won the M5 competition
    (Makridakis, Spiliotis and Assimakopoulos, 2022).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from restock.config import FeatureSettings, TreeSettings, WindowSettings
from restock.errors import DataError
from restock.features.build import feature_source, fit_state
from restock.forecasters.assemble import to_units
from restock.seeding import child_seed, generator
from restock.types.features import FeatureState
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray
from restock.windows.sequences import WindowBatch, WindowMaker

# Fitted where they lie inside the levels asked for, whose ends are always fitted.
CORE_LEVELS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9)
MIN_CONTEXT = 8  # periods that lie before the first origin that teaches
GATHERED_AT_ONCE = 512  # rows
MAX_CATEGORY = 254  # scikit-learn takes no larger code
KINDS = 2  # demand of the step, mean demand up to the step


@dataclass(frozen=True)
class BoostedTrees:
    """What decides how trees are fitted.

    Attributes:
        features: Which features; those of the network.
        settings: How many rows and iterations.
        horizon: H.
        levels: Quantile levels that a fitted model answers. Shape ``(Q,)``.
        seed: Of the rows that are drawn.
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
        columns, target, num_codes = self._rows(panel, state, train_end)
        categories = range(columns.shape[1] - num_codes, columns.shape[1])
        fitted = fitted_levels(self.levels)

        threads = ThreadpoolController()

        def fit(level: float) -> Any:
            # One thread a model: OpenMP's own wait for each other at every split, many times
            # slower where anything else runs on the machine.
            with threads.limit(limits=1, user_api="openmp"):
                return self._model(level, categories).fit(columns, target)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            models = tuple(pool.map(fit, fitted))
        return FittedTrees(self, state, models, np.array(fitted))

    def windows(self, panel: DemandPanel, state: FeatureState) -> WindowMaker:
        """Return windows of one period: the past features at an origin, and what lies ahead."""
        features = feature_source(panel, self.features, state, self.horizon)
        one = WindowSettings(lookback=1, min_context=1, num_origins=1)
        return WindowMaker(features, panel.first_index, state.cold_scale, self.horizon, one)

    def _rows(
        self, panel: DemandPanel, state: FeatureState, train_end: IntArray
    ) -> tuple[FloatArray, FloatArray, int]:
        """Draw training rows: columns ``(R, C)``, targets ``(R,)``, number of code columns."""
        windows = self.windows(panel, state)
        series, origins = teaching_pairs(panel, train_end)
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
        num_codes = len(state.vocabularies)
        return np.concatenate(columns), np.concatenate(targets), num_codes

    def _draw(self, total: int) -> IntArray:
        """Return which of all rows teach: all, or as many as the settings allow."""
        if total <= self.settings.num_rows:
            return np.arange(total)
        rng = generator(self.seed, "tree rows")
        return np.sort(rng.choice(total, self.settings.num_rows, replace=False))

    def _model(self, level: float, categories: range) -> Any:
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            loss="quantile",
            quantile=level,
            max_iter=self.settings.num_iterations,
            learning_rate=self.settings.learning_rate,
            min_samples_leaf=50,
            max_features=0.3,
            early_stopping=False,
            categorical_features=categories,
            random_state=child_seed(self.seed, "trees"),
        )


@dataclass(frozen=True)
class FittedTrees:
    """Trees of each fitted level, and the feature constants that go with them.

    Attributes:
        recipe: What they were fitted by.
        state: Feature constants.
        models: One per fitted level.
        fitted: Those levels, rising. Shape ``(F,)``.
    """

    recipe: BoostedTrees
    state: FeatureState
    models: tuple[Any, ...]
    fitted: FloatArray

    @property
    def horizon(self) -> int:
        """Periods they forecast, H."""
        return self.recipe.horizon

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast from each series' origin; see :class:`FittedForecaster`."""
        windows = self.recipe.windows(panel, self.state)
        answers, scales = [], []
        for batch, count in windows.prediction_batches(origins):
            answers.append(self._answer(design(batch))[:count])
            scales.append(batch.scale[:count, 0])
        relative = between_levels(np.concatenate(answers), self.fitted, self.recipe.levels)
        return to_units(relative, np.concatenate(scales), panel, origins, self.recipe.levels)

    def _answer(self, columns: FloatArray) -> FloatArray:
        """Return what each model says of ``(N, H, 2, C)``, without crossing. ``(N, H, 2, F)``."""
        from threadpoolctl import threadpool_limits

        rows = columns.reshape(-1, columns.shape[-1])
        with threadpool_limits(1, user_api="openmp"):
            said = np.stack([model.predict(rows) for model in self.models], axis=1)
        return np.sort(said, axis=1).reshape(*columns.shape[:-1], -1)


def fitted_levels(levels: FloatArray) -> list[float]:
    """Return the levels that get a model: the ends of those asked for, and the core between."""
    low, high = float(levels.min()), float(levels.max())
    return sorted({low, high, *(level for level in CORE_LEVELS if low < level < high)})


def teaching_pairs(panel: DemandPanel, train_end: IntArray) -> tuple[IntArray, IntArray]:
    """Return every series at every origin with context before it and a target that may teach.

    Ordered by series_id, so that the order of the panel's rows changes nothing.

    Raises:
        DataError: If there is none.
    """
    order = np.argsort(panel.series_id)
    place = np.arange(panel.num_steps)[None, :]
    before = place < train_end[order, None]
    for context in (MIN_CONTEXT, 1):  # short panels: any origin
        first = panel.first_index[order, None] + context - 1
        rows, origins = np.nonzero(before & (place >= first))
        if rows.size:
            return order[rows], origins
    raise DataError(
        "boosted_trees: no series has two periods before the training ends. Leave them out of "
        "evaluation.baselines.names."
    )


def design(batch: WindowBatch) -> FloatArray:
    """Lay windows out as rows: numbers, the step, how many periods are averaged, category codes.

    What is known ahead stands for the step itself and, where the target is the mean up to it, as
    the mean of all those periods. Their number is 1 for a step: one split on it tells a single
    period from a calmer total, which "is it a total" could only do beside the step.

    Returns:
        Shape ``(B, H, 2, C)``.
    """
    ahead = batch.future[:, 0]
    shape = (len(ahead), ahead.shape[1], KINDS)
    step = np.arange(1, shape[1] + 1)[:, None, None]
    known = np.stack([ahead, np.cumsum(ahead, axis=1) / step[:, 0]], axis=2)
    codes = np.where(batch.static_codes <= MAX_CATEGORY, batch.static_codes, 0)
    parts = [
        batch.past[:, -1, None, None, :],
        known,
        batch.anchors[:, 0],
        batch.static_numbers[:, None, None, :],
        step,
        np.concatenate([np.ones_like(step), step], axis=1),
        codes[:, None, None, :],
    ]
    wide = [np.broadcast_to(part, (*shape, part.shape[-1])) for part in parts]
    return np.concatenate(wide, axis=3, dtype=np.float32)


def between_levels(values: FloatArray, fitted: FloatArray, levels: FloatArray) -> FloatArray:
    """Interpolate quantiles between fitted levels, straight along the normal distribution's.

    Args:
        values: Quantiles at the fitted levels, rising. Shape ``(..., F)``.
        fitted: Shape ``(F,)``.
        levels: Within the fitted ones. Shape ``(Q,)``.

    Returns:
        Shape ``(..., Q)``, rising.
    """
    normal = np.vectorize(NormalDist().inv_cdf, otypes=[float])
    known, wanted = normal(fitted), normal(levels)
    above = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    low, high = known[above - 1], known[above]
    below = values[..., above - 1]
    moved = below + (values[..., above] - below) * (wanted - low) / (high - low)
    return np.maximum.accumulate(moved, axis=-1)  # rounding alone can cross
