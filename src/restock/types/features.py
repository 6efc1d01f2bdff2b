"""Features by role, and the constants that were learned to make them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from restock.types.anchors import Anchors
from restock.types.panel import FloatArray, IntArray


@dataclass(frozen=True)
class FeatureState:
    """Numbers learned from training rows only. Travels inside the bundle as JSON.

    Attributes:
        scale_floor: Smallest scale a series may have, in units.
        cold_scale: Scale of a series without history, in units.
        past_mean, past_std, future_mean, future_std: Standardisation, by feature name.
        vocabularies: For each static column its frequent categories; code 0 is "unknown or rare".
        static_mean, static_std: Standardisation of numeric static columns.
    """

    scale_floor: float
    cold_scale: float
    past_mean: dict[str, float]
    past_std: dict[str, float]
    future_mean: dict[str, float]
    future_std: dict[str, float]
    vocabularies: dict[str, tuple[str, ...]]
    static_mean: dict[str, float]
    static_std: dict[str, float]


@dataclass(frozen=True)
class FeaturePanel:
    """Everything a network is shown, causal: the value at a position uses nothing after it.

    Shapes: N series, T periods, H horizon, P past features, K known-future features.

    Attributes:
        past: Shape ``(N, T, P)``, float32.
        future: At every grid position, H beyond the end included. Shape ``(N, T + H, K)``.
        static_codes: Category codes. Shape ``(N, C)``, int32.
        static_numbers: Shape ``(N, S)``, float32.
        scale: Demand level known at each position, in units, > 0. Shape ``(N, T)``.
        demand: Units; NaN where unknown. Shape ``(N, T)``, float32.
        teaches: True where demand may be a training target (known and in stock). ``(N, T)``.
        anchors: Simple forecasts from every position.
    """

    past: FloatArray
    future: FloatArray
    static_codes: IntArray
    static_numbers: FloatArray
    scale: FloatArray
    demand: FloatArray
    teaches: np.ndarray
    anchors: Anchors

    def __post_init__(self) -> None:
        """Check that roles agree on N and T and that nothing the network reads is NaN."""
        num_series, num_steps = self.demand.shape
        assert (
            self.past.shape[:2] == self.scale.shape == self.teaches.shape == (num_series, num_steps)
        )
        assert self.future.shape[0] == num_series
        assert self.future.shape[1] >= num_steps
        for name in ("past", "future", "static_numbers", "scale"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"features: {name} must be finite")

    @property
    def num_series(self) -> int:
        """Number of series, N."""
        return int(self.demand.shape[0])

    def take(self, rows: IntArray) -> FeaturePanel:
        """Return the features of some series."""
        names = ("past", "future", "static_codes", "static_numbers", "scale", "demand", "teaches")
        arrays = {name: getattr(self, name)[rows] for name in names}
        return replace(self, **arrays, anchors=self.anchors.take(rows))


class FeatureSource(Protocol):
    """Where windows get features from: held at once, or made for the series at hand."""

    @property
    def num_series(self) -> int:
        """Number of series, N."""
        ...

    def take(self, rows: IntArray) -> FeaturePanel:
        """Return the features of some series."""
        ...
