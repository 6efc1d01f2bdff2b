"""Make the input arrays of a network: sequences for training, windows for prediction.

All forecast origins of a sequence are trained in one pass, so that overlapping windows are never
copied. Shapes: B series in a batch, L lookback, O origins, H horizon, P past features,
K known-future features, A anchors, C categorical and S numeric static columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from restock.errors import DataError
from restock.settings.windows import WindowSettings
from restock.types.features import FeaturePanel, FeatureSource
from restock.types.panel import BoolArray, FloatArray, IntArray

PREDICTED_AT_ONCE = 512
COLD_SHARE = 0.25  # share of the training sequences with one origin made cold
UNKNOWN_SHARE = 0.05  # share of the categories hidden in training


@dataclass(frozen=True)
class WindowBatch:
    """Inputs of the network.

    Attributes:
        past: One step of zeros, which means "no history", then the lookback. Younger series are
            padded with zeros on the left. Shape ``(B, 1 + L, P)``.
        origin_index: Index of each origin in ``past``; 0 for an origin before a series' first
            period. Shape ``(B, O)``.
        future: Known-future features of each target. Shape ``(B, O, H, K)``.
        anchors: Simple forecasts of each step and of the running mean up to it, as
            arcsinh(demand / scale). Shape ``(B, O, H, 2, A)``.
        static_codes: Shape ``(B, C)``.
        static_numbers: Shape ``(B, S)``.
        scale: Demand level at each origin, in units. Shape ``(B, O)``.
    """

    past: FloatArray
    origin_index: IntArray
    future: FloatArray
    anchors: FloatArray
    static_codes: IntArray
    static_numbers: FloatArray
    scale: FloatArray

    def inputs(self) -> dict[str, np.ndarray]:
        """Return the arrays by the names of the network's inputs."""
        return {
            "past": self.past,
            "origin_index": self.origin_index,
            "future": self.future,
            "anchors": self.anchors,
            "static_codes": self.static_codes,
            "static_numbers": self.static_numbers,
        }


@dataclass(frozen=True)
class SequenceBatch:
    """Training data: inputs, targets, and which targets count.

    Attributes:
        inputs: What the network reads.
        target: Demand of the step and running mean of demand, both divided by the origin's scale.
            Shape ``(B, O, H, 2)``.
        loss_mask: Weight of each target; 0 after ``train_end`` or where demand is unknown or
            hidden by a stock-out. Shape ``(B, O, H, 2)``.
    """

    inputs: WindowBatch
    target: FloatArray
    loss_mask: FloatArray

    def counts(self) -> FloatArray:
        """Return the targets as counts.

        Returns:
            For the demand of the step and the running *total*, on the last axis: the count, and
            the factor in units that turns a relative mean into a count. Shape ``(B, O, H, 2, 2)``.
        """
        steps = np.arange(1, self.target.shape[2] + 1, dtype=np.float32)
        units = self.inputs.scale[:, :, None, None] * np.stack([steps**0, steps], axis=1)
        return np.stack([np.rint(self.target * units), units], axis=4)


@dataclass(frozen=True)
class Origins:
    """The origins of a batch, one row per sequence.

    Attributes:
        last: Grid position at which each sequence ends. Shape ``(B,)``.
        at: Grid position of each origin, at least 0. Shape ``(B, O)``.
        cold: True where the network must not see the series' past. Shape ``(B, O)``.
        counts: False for an origin that is only padding. Shape ``(B, O)``.
    """

    last: IntArray
    at: IntArray
    cold: BoolArray
    counts: BoolArray


@dataclass(frozen=True)
class WindowMaker:
    """Cuts sequences and windows from features.

    Attributes:
        features: Features of all series.
        first: Position of each series' first demand in stock; T where there is none. ``(N,)``.
        typical_scale: Scale of a series whose weight in the loss is 1, in units.
        horizon: Periods that are forecast, H.
        settings: Lookback and number of origins.
    """

    features: FeatureSource
    first: IntArray
    typical_scale: float
    horizon: int
    settings: WindowSettings

    def trainable(self, train_end: IntArray) -> IntArray:
        """Return the row numbers of the series with training targets.

        Args:
            train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.

        Raises:
            DataError: If no series has any.
        """
        usable = np.flatnonzero(train_end - self.first >= self.settings.min_context)
        if not usable.size:  # short panels: any series with one origin and one target
            usable = np.flatnonzero(train_end - self.first >= 1)
        if not usable.size:
            raise DataError(
                "training needs a series with at least two periods, the first in stock, before "
                "the training ends, but there is none. Check the data and evaluation.num_folds."
            )
        return usable

    def training_batch(
        self,
        rows: IntArray,
        train_end: IntArray,
        weight_by_scale: float,
        rng: np.random.Generator,
    ) -> SequenceBatch:
        """Return training sequences that end at random.

        Args:
            rows: Row numbers of series; a series may be in several sequences. Shape ``(B,)``.
            train_end: Last training position per series. Shape ``(N,)``.
            weight_by_scale: Power of a series' scale that is its weight in the loss.
            rng: Draws the ends, the origins, and what is hidden.
        """
        origins = self._draw_origins(self.first[rows], train_end[rows], rng)
        features = self._features(rows, origins)
        hidden = rng.random(features.static_codes.shape) < UNKNOWN_SHARE
        inputs = self._inputs(features, origins, hidden)
        target, mask = self._targets(features, origins, train_end[rows], inputs.scale)
        weight = (inputs.scale / self.typical_scale) ** weight_by_scale
        return SequenceBatch(inputs, target, (mask * weight[:, :, None, None]).astype(np.float32))

    def prediction_batches(self, origins: IntArray) -> Iterator[tuple[WindowBatch, int]]:
        """Yield windows that end at each series' origin, and how many rows are not padding.

        Args:
            origins: Last known position per series; at least 0. Shape ``(N,)``.
        """
        num_batches = -(-len(origins) // PREDICTED_AT_ONCE)
        size = -(-len(origins) // num_batches)
        for start in range(0, len(origins), size):
            rows, padding = _filled(np.arange(start, min(start + size, len(origins))), size)
            yield self.prediction_batch(rows, origins[rows]), int((~padding).sum())

    def prediction_batch(self, rows: IntArray, origins: IntArray) -> WindowBatch:
        """Return the windows that end at one origin per series. Both shaped ``(B,)``."""
        places = self._ends(rows, origins)
        return self._inputs(self._features(rows, places), places)

    def pairs(self, rows: IntArray, origins: IntArray, train_end: IntArray) -> SequenceBatch:
        """Return windows that end at one origin each, with their targets.

        Args:
            rows: Row numbers of series; a series may be in several pairs. Shape ``(B,)``.
            origins: One origin for each. Shape ``(B,)``.
            train_end: Last training position per series. Shape ``(N,)``.
        """
        places = self._ends(rows, origins)
        features = self._features(rows, places)
        inputs = self._inputs(features, places)
        target, mask = self._targets(features, places, train_end[rows], inputs.scale)
        return SequenceBatch(inputs, target, mask)

    def _features(self, rows: IntArray, origins: Origins) -> FeaturePanel:
        return self.features.take(rows, origins.last, self.settings.lookback)

    def _ends(self, rows: IntArray, origins: IntArray) -> Origins:
        """Return one origin per series, at which its window ends."""
        at = origins[:, None]
        cold = at < self.first[rows][:, None]
        return Origins(origins, at, cold, np.ones_like(cold))

    def _draw_origins(
        self, first: IntArray, train_end: IntArray, rng: np.random.Generator
    ) -> Origins:
        """Draw the end of each sequence and its origins, without replacement.

        In some sequences one origin is made cold, so that the network learns to forecast without
        history.
        """
        length = self.settings.lookback
        latest = train_end - 1
        earliest = np.minimum(first + length - 1, latest)
        last = latest - (rng.random(len(first)) * (latest - earliest + 1)).astype(int)
        place = last[:, None] - length + 1 + np.arange(length)[None, :]
        context = np.minimum(self.settings.min_context - 1, last - first)
        allowed = place >= (first + context)[:, None]
        key = np.where(allowed, rng.random(place.shape), -1.0)
        num = min(self.settings.num_origins, length)
        picked = np.sort(np.argsort(-key, axis=1, kind="stable")[:, :num], axis=1)
        counts = np.take_along_axis(allowed, picked, axis=1)
        at = np.maximum(np.take_along_axis(place, picked, axis=1), 0)
        cold = np.zeros_like(counts)
        any_origin = np.where(counts, rng.random(counts.shape), -1.0).argmax(axis=1)
        cold[np.arange(len(first)), any_origin] = rng.random(len(first)) < COLD_SHARE
        return Origins(last, at, cold, counts)

    def _inputs(
        self, features: FeaturePanel, origins: Origins, hidden: BoolArray | None = None
    ) -> WindowBatch:
        """Build the input arrays.

        Categories that are ``hidden``, shape ``(B, C)``, are shown as unknown. So the network
        learns to forecast with an unknown category, even if the training data have none.
        """
        codes, parts = features.static_codes, features.cold_parts
        if hidden is not None:
            codes = np.where(hidden, 0, codes).astype(np.int32)
            parts = np.where(np.pad(hidden, ((0, 0), (1, 0))), 0.0, parts)
        cold_scale = np.exp(parts.sum(axis=1, keepdims=True))
        length = self.settings.lookback
        rows = np.arange(features.num_series)[:, None]
        first = features.first[:, None]  # the grid position of the features' first period
        place = origins.last[:, None] - length + np.arange(1 + length)[None, :]
        inside = place >= 0
        inside[:, 0] = False
        past = features.past[rows, np.maximum(place - first, 0)] * inside[:, :, None]
        index = np.where(origins.cold, 0, origins.at - (origins.last - length)[:, None])
        at = np.maximum(origins.at - first, 0)
        scale = np.where(origins.cold, cold_scale, features.scale[rows, at])
        targets = at[:, :, None] + np.arange(1, self.horizon + 1)
        return WindowBatch(
            past=past.astype(np.float32),
            origin_index=np.maximum(index, 0).astype(np.int32),
            future=features.future[rows[:, :, None], targets].astype(np.float32),
            anchors=self._anchors(features, at, origins.cold, scale),
            static_codes=codes,
            static_numbers=features.static_numbers,
            scale=scale.astype(np.float32),
        )

    def _anchors(
        self, features: FeaturePanel, at: IntArray, cold: BoolArray, scale: FloatArray
    ) -> FloatArray:
        """Return the anchors' forecasts of steps and running means, relative to the scale."""
        relative = features.anchors.forecast(at, self.horizon) / scale[:, :, None, None]
        relative = np.where(cold[:, :, None, None], 1.0, relative)
        steps = np.arange(1, self.horizon + 1)
        running = np.cumsum(relative, axis=2) / steps[:, None]
        return np.arcsinh(np.stack([relative, running], axis=3)).astype(np.float32)

    def _targets(
        self, features: FeaturePanel, origins: Origins, train_end: IntArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        steps = np.arange(1, self.horizon + 1)
        rows = np.arange(features.num_series)[:, None, None]
        at = origins.at[:, :, None] + steps
        mask = (at <= train_end[:, None, None]) & origins.counts[:, :, None]
        at = np.clip(at - features.first[:, None, None], 0, features.demand.shape[1] - 1)
        mask &= features.is_target[rows, at]
        demand = np.where(mask, features.demand[rows, at], 0.0) / scale[:, :, None]
        running = np.cumsum(demand, axis=2) / steps
        complete = np.logical_and.accumulate(mask, axis=2)
        target = np.stack([demand, running], axis=3)
        return target.astype(np.float32), np.stack([mask, complete], axis=3).astype(np.float32)


def _filled(rows: IntArray, size: int) -> tuple[IntArray, np.ndarray]:
    """Repeat the first row up to ``size``, so that all batches have one shape and compile once.

    Returns:
        The rows, and a mask of those that are only padding.
    """
    missing = size - len(rows)
    padding = np.arange(size) >= len(rows)
    return np.concatenate([rows, np.full(missing, rows[0])]), padding
