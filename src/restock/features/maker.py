"""Make features with constants that are given: nothing is learned here.

Shapes: B series asked for, W periods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from restock.features.cold import cold_parts
from restock.features.columns import Named, cut, grid_calendar
from restock.features.raw import memory, raw_features
from restock.features.scaling import standardise
from restock.features.seasons import starting_at, turns_of
from restock.features.statics import static_columns
from restock.settings.features import FeatureSettings
from restock.types.features import FeaturePanel, FeatureSource, FeatureState
from restock.types.panel import DemandPanel, FloatArray, IntArray
from restock.types.seasons import Turns

HELD_POINTS = 1_000_000  # series times periods whose features are held at once, some 400 MB


@dataclass(frozen=True)
class FeatureMaker:
    """Makes features for the windows that are asked for; they read no further than `memory`."""

    panel: DemandPanel
    settings: FeatureSettings
    state: FeatureState
    horizon: int

    def take(self, rows: IntArray, ends: IntArray, length: int) -> FeaturePanel:
        """Make the features of some windows; see :class:`FeatureSource`."""
        reach = min(memory(self.settings) + length, self.panel.num_steps)
        return self.make(rows, np.maximum(ends - reach + 1, 0), reach + self.horizon)

    def make(self, rows: IntArray, first: IntArray, width: int) -> FeaturePanel:
        """Make standardised features of some series, ``width`` periods from ``first`` on.

        Known-future columns beyond the table's end hold their last known value.
        """
        panel, state = self.panel, self.state
        stretch = cut(panel, self._calendar, rows, first, width)
        codes, numbers = static_columns(panel, state, rows)
        parts = cold_parts(codes, numbers, state.cold_scale, state.cold_effects, len(rows))
        cold = np.exp(parts.sum(axis=1, keepdims=True))
        past, future, anchors = raw_features(
            stretch, self.settings, state.scale_floor, cold,
            starting_at(self._turns, rows, first),
        )  # fmt: skip
        standard = [
            standardise(past[name], state.past_mean[name], state.past_std[name])
            for name in state.past_mean
        ]
        ahead = [
            standardise(future[name], state.future_mean[name], state.future_std[name])
            for name in state.future_mean
        ]
        return FeaturePanel(
            first=first,
            past=_stack([*standard, stretch.known, stretch.in_stock], stretch.known.shape),
            future=_stack(ahead, stretch.known.shape),
            static_codes=_side_by_side(codes, len(rows), np.int32),
            static_numbers=_side_by_side(numbers, len(rows), np.float32),
            scale=np.exp(past["level"]).astype(np.float32),
            cold_parts=parts.astype(np.float32),
            demand=stretch.demand.astype(np.float32),
            is_target=stretch.known & stretch.in_stock,
            anchors=anchors,
        )

    @cached_property
    def _calendar(self) -> Named:
        return grid_calendar(self.panel, self.settings, self.horizon)

    @cached_property
    def _turns(self) -> tuple[Turns, ...]:
        return turns_of(self.state.seasons, self.panel, self.settings, self.horizon)


@dataclass(frozen=True)
class HeldFeatures:
    """Features of a whole panel that is short and small enough to make them once."""

    features: FeaturePanel

    def take(self, rows: IntArray, ends: IntArray, length: int) -> FeaturePanel:  # noqa: ARG002
        """Return the features of some series; see :class:`FeatureSource`."""
        return self.features.take(rows)


def feature_source(
    panel: DemandPanel, settings: FeatureSettings, state: FeatureState, horizon: int
) -> FeatureSource:
    """Return features by window: held where every window would reach back to the start anyway."""
    maker = FeatureMaker(panel, settings, state, horizon)
    if panel.num_steps > memory(settings) or panel.demand.size > HELD_POINTS:
        return maker
    rows = np.arange(panel.num_series)
    return HeldFeatures(maker.make(rows, np.zeros_like(rows), panel.num_steps + horizon))


def _stack(columns: list[np.ndarray], shape: tuple[int, ...]) -> FloatArray:
    stacked = np.empty((*shape, len(columns)), dtype=np.float32)
    for place, column in enumerate(columns):
        stacked[:, :, place] = column
    return stacked


def _side_by_side(columns: Mapping[str, np.ndarray], num_series: int, dtype: type) -> np.ndarray:
    if not columns:
        return np.zeros((num_series, 0), dtype=dtype)
    return np.stack(list(columns.values()), axis=1).astype(dtype)
