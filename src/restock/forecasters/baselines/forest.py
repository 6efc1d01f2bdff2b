"""Fitted boosted trees as arrays, so that a bundle can forecast with them by NumPy alone.

Shapes: N series, H horizon, R rows, C columns, K trees, D nodes, Q levels asked for, F levels
fitted.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from restock.features.maker import feature_source
from restock.forecasters.assemble import to_units
from restock.settings.features import FeatureSettings
from restock.settings.windows import WindowSettings
from restock.types.features import FeatureState
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray
from restock.windows.sequences import WindowBatch, WindowMaker

KINDS = 2  # demand of the step, mean demand up to the step
WALKED_AT_ONCE = 1024  # rows
UNKNOWN = 2**15  # replaces category code 0; larger than every other code


@dataclass(frozen=True)
class Forest:
    """The trees of one quantile level, as arrays over nodes. A leaf is its own child.

    Attributes:
        start: Constant that the values of the trees are added to.
        roots: First node of each tree. Shape ``(K,)``.
        column, threshold: Values up to the threshold go to the left. Shape ``(D,)``.
        children: Left and right child. Shape ``(D, 2)``.
        value: Value of each leaf. Shape ``(D,)``.
        depth: Largest number of steps from a root to a leaf.
    """

    start: float
    roots: IntArray
    column: IntArray
    threshold: FloatArray
    children: IntArray
    value: FloatArray
    depth: int

    def predict(self, rows: FloatArray) -> FloatArray:
        """Sum the values of all trees for rows ``(R, C)``; returns ``(R,)``."""
        parts = [rows[at : at + WALKED_AT_ONCE] for at in range(0, len(rows), WALKED_AT_ONCE)]
        return np.concatenate([self._walk(part) for part in parts])

    def _walk(self, rows: FloatArray) -> FloatArray:
        place = np.arange(len(rows))[:, None]
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        for _ in range(self.depth):
            right = rows[place, self.column[node]] > self.threshold[node]
            node = self.children[node, right.astype(np.int8)]
        return self.start + self.value[node].sum(axis=1)


@dataclass(frozen=True)
class FittedTrees:
    """The trees of each fitted level, and what is needed to make their inputs.

    Attributes:
        features: Settings of the features.
        horizon: Periods they forecast, H.
        levels: Quantile levels of the forecast. Shape ``(Q,)``.
        state: Learned constants of the features.
        fitted: Levels that have trees, rising. Shape ``(F,)``.
        forests: One for each fitted level.
    """

    features: FeatureSettings
    horizon: int
    levels: FloatArray
    state: FeatureState
    fitted: FloatArray
    forests: tuple[Forest, ...]

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast from each series' origin; see :class:`FittedForecaster`."""
        windows = windows_of_one(panel, self.features, self.state, self.horizon)
        answers, scales = [], []
        for batch, count in windows.prediction_batches(origins):
            answers.append(self._answer(design(batch))[:count])
            scales.append(batch.scale[:count, 0])
        relative = between_levels(np.concatenate(answers), self.fitted, self.levels)
        return to_units(relative, np.concatenate(scales), panel, origins, self.levels)

    def _answer(self, columns: FloatArray) -> FloatArray:
        """Return the sorted values of all forests for ``(N, H, 2, C)``. ``(N, H, 2, F)``."""
        rows = columns.reshape(-1, columns.shape[-1])
        said = np.stack([forest.predict(rows) for forest in self.forests], axis=1)
        return np.sort(said, axis=1).reshape(*columns.shape[:-1], -1)

    def to_bytes(self) -> bytes:
        """Return levels and forests as a NumPy archive. Equal trees give equal bytes."""
        arrays: dict[str, Any] = {"fitted": self.fitted}
        for number, forest in enumerate(self.forests):
            arrays |= {f"{number}/{name}": value for name, value in asdict(forest).items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(
        cls,
        content: bytes,
        features: FeatureSettings,
        horizon: int,
        levels: FloatArray,
        state: FeatureState,
    ) -> FittedTrees:
        """Read what :meth:`to_bytes` wrote. The other arguments are those of the class."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            fitted = arrays["fitted"]
            forests = tuple(
                Forest(
                    start=float(arrays[f"{number}/start"]),
                    depth=int(arrays[f"{number}/depth"]),
                    **{
                        name: arrays[f"{number}/{name}"]
                        for name in ("roots", "column", "threshold", "children", "value")
                    },
                )
                for number in range(len(fitted))
            )
        return cls(features, horizon, levels, state, fitted, forests)


def windows_of_one(
    panel: DemandPanel, features: FeatureSettings, state: FeatureState, horizon: int
) -> WindowMaker:
    """Return windows of one period: past features at an origin, and its known future."""
    source = feature_source(panel, features, state, horizon)
    one = WindowSettings(lookback=1, min_context=1, num_origins=1)
    return WindowMaker(source, panel.first_seen, state.typical_scale, horizon, one)


def design(batch: WindowBatch) -> FloatArray:
    """Turn windows into rows of a table: numbers, the step, the number of periods, category codes.

    A row is for the demand of one step, or for the mean demand up to that step. Known-future
    features are those of the step, or their mean up to the step. The number of periods is 1 in the
    first case, and the step in the second. A single split on it can separate one period from a
    mean over many, which varies less; a flag "this is a mean" would need a split on the step, too.

    Returns:
        Shape ``(B, H, 2, C)``.
    """
    ahead, codes = batch.future[:, 0], batch.static_codes
    shape = (len(ahead), ahead.shape[1], KINDS)
    step = np.arange(1, shape[1] + 1)[:, None, None]
    known = np.stack([ahead, np.cumsum(ahead, axis=1) / step[:, 0]], axis=2)
    parts = [
        batch.past[:, -1, None, None, :],
        known,
        batch.anchors[:, 0],
        batch.static_numbers[:, None, None, :],
        step,
        np.concatenate([np.ones_like(step), step], axis=1),
        # Codes are ordered by falling frequency; unknown and rare categories come last.
        np.where(codes == 0, UNKNOWN, codes)[:, None, None, :],
    ]
    wide = [np.broadcast_to(part, (*shape, part.shape[-1])) for part in parts]
    return np.concatenate(wide, axis=3, dtype=np.float32)


def between_levels(values: FloatArray, fitted: FloatArray, levels: FloatArray) -> FloatArray:
    """Interpolate quantiles between fitted levels, linearly in the normal distribution's quantiles.

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
