"""Features by role, and the learned constants that make them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np

from restock.types.anchors import Anchors
from restock.types.panel import FloatArray, IntArray
from restock.types.seasons import SeasonIndex


@dataclass(frozen=True)
class FeatureState:
    """Constants learned from training rows only. The bundle holds them as JSON.

    Attributes:
        scale_floor: Smallest scale a series may have, in units.
        typical_scale: Median scale of the series, zeros before their launch included, in units.
        cold_scale: Scale of a series without any history, in units.
        cold_effects: How static columns change the cold scale; see features/cold.py.
        past_mean, past_std, future_mean, future_std: For standardisation, by feature name.
        vocabularies: For each static column its frequent categories; code 0 is "unknown or rare".
        static_mean, static_std: For the standardisation of numeric static columns.
        seasons: Long seasons of groups of series; none where the history is too short.
    """

    scale_floor: float
    typical_scale: float
    cold_scale: float
    cold_effects: dict[str, tuple[float, ...]]
    past_mean: dict[str, float]
    past_std: dict[str, float]
    future_mean: dict[str, float]
    future_std: dict[str, float]
    vocabularies: dict[str, tuple[str, ...]]
    static_mean: dict[str, float]
    static_std: dict[str, float]
    seasons: tuple[SeasonIndex, ...] = ()


@dataclass(frozen=True)
class FeaturePanel:
    """All inputs of a network. They are causal: the value at a position uses nothing after it.

    Shapes: N series, W periods (each series has its own first one), P past features, K known-future
    features, C categorical and S numeric static columns.

    Attributes:
        first: Grid position of the first of the W periods. Shape ``(N,)``.
        past: Shape ``(N, W, P)``, float32.
        future: Shape ``(N, W, K)``, float32.
        static_codes: Category codes. Shape ``(N, C)``, int32.
        static_numbers: Shape ``(N, S)``, float32.
        scale: Level of demand known at each position, in units, > 0. Shape ``(N, W)``.
        cold_parts: The scale to use where no demand of a series is known. Its logarithm is the sum
            of these parts: one from the numbers, one from each category. Shape ``(N, 1 + C)``.
        demand: Units; NaN where unknown. Shape ``(N, W)``, float32.
        is_target: True where demand may be a training target (known and in stock). ``(N, W)``.
        anchors: Simple forecasts from every position.
    """

    first: IntArray
    past: FloatArray
    future: FloatArray
    static_codes: IntArray
    static_numbers: FloatArray
    scale: FloatArray
    cold_parts: FloatArray
    demand: FloatArray
    is_target: np.ndarray
    anchors: Anchors

    def __post_init__(self) -> None:
        """Check that all arrays have the same N and W, and that no input of the network is NaN."""
        for values in (self.past, self.future, self.scale, self.is_target):
            assert values.shape[:2] == self.demand.shape
        for name in ("past", "future", "static_numbers", "scale", "cold_parts"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"features: {name} must be finite")

    @property
    def num_series(self) -> int:
        """Number of series, N."""
        return int(self.demand.shape[0])

    def take(self, rows: IntArray) -> FeaturePanel:
        """Return the features of some series."""
        names = [field.name for field in fields(self) if field.name != "anchors"]
        arrays = {name: getattr(self, name)[rows] for name in names}
        return replace(self, **arrays, anchors=self.anchors.take(rows))


class FeatureSource(Protocol):
    """Where windows get features from: from memory, or made when windows ask for them."""

    def take(self, rows: IntArray, ends: IntArray, length: int) -> FeaturePanel:
        """Return features for some windows and the horizon after each of them.

        Args:
            rows: Row numbers of series; a series may occur more than once. Shape ``(B,)``.
            ends: Grid position at which each window ends. Shape ``(B,)``.
            length: Periods in a window.
        """
        ...
