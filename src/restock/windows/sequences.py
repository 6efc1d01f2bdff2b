"""The only place where arrays are shaped for a network: sequences for training, windows to predict.

One sequence trains all its forecast origins in one pass, so that windows are never laid out beside
each other. Shapes: B series in a batch, L lookback, O origins, H horizon, P past features,
K known-future features, C categorical and S numeric static columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from restock.config import WindowSettings
from restock.types.features import FeaturePanel
from restock.types.panel import FloatArray, IntArray

PREDICTED_AT_ONCE = 512


@dataclass(frozen=True)
class WindowBatch:
    """Inputs of the network.

    Attributes:
        past: Left-padded with zeros where a series is younger. Shape ``(B, L, P)``.
        origin_index: Place of each origin in ``past``. Shape ``(B, O)``.
        future: Shape ``(B, O, H, K + 2)``: the known future, the seasonal lag aligned with each
            target, and whether that lag is known.
        static_codes: Shape ``(B, C)``.
        static_numbers: Shape ``(B, S)``.
        scale: Demand level at each origin, in units. Shape ``(B, O)``.
    """

    past: FloatArray
    origin_index: IntArray
    future: FloatArray
    static_codes: IntArray
    static_numbers: FloatArray
    scale: FloatArray

    def inputs(self) -> dict[str, np.ndarray]:
        """Return the arrays by the names of the network's inputs."""
        return {
            "past": self.past,
            "origin_index": self.origin_index,
            "future": self.future,
            "static_codes": self.static_codes,
            "static_numbers": self.static_numbers,
        }


@dataclass(frozen=True)
class SequenceBatch:
    """Training data: inputs, targets, and which targets count.

    Attributes:
        inputs: What the network reads.
        target: Step demand and running mean demand, both over the origin's scale.
            Shape ``(B, O, H, 2)``.
        loss_mask: Weight of each target; 0 after ``train_end`` or where demand is unknown or
            hidden by a stock-out. Shape ``(B, O, H, 2)``.
    """

    inputs: WindowBatch
    target: FloatArray
    loss_mask: FloatArray


@dataclass(frozen=True)
class WindowMaker:
    """Cuts sequences and windows out of a feature panel, which is held once."""

    features: FeaturePanel
    horizon: int
    seasonal_lag: int
    settings: WindowSettings

    def training_batches(
        self,
        train_end: IntArray,
        batch_size: int,
        weight_by_scale: float,
        rng: np.random.Generator,
    ) -> Iterator[SequenceBatch]:
        """Yield one pass over all series that have something to teach, in random order."""
        first = self._first_known()
        usable = np.flatnonzero(train_end - first >= self.settings.min_context)
        if not usable.size:  # short panels: any series with one origin and one target
            usable = np.flatnonzero(train_end - first >= 1)
        order = rng.permutation(usable)
        typical = float(np.median(self.features.scale[usable, np.maximum(train_end[usable], 0)]))
        length = self.settings.lookback
        size = min(batch_size, len(order))
        for start in range(0, len(order), size):
            rows, padding = _filled(order[start : start + size], size)
            last = self._crop_ends(rows, first, train_end, length, rng)
            origins = self._draw_origins(rows, first, last, length, rng)
            inputs = self._inputs(rows, last, origins, length)
            target, mask = self._targets(rows, origins, train_end, inputs.scale)
            mask[padding] = 0.0
            weight = (np.maximum(inputs.scale, 1e-9) / typical) ** weight_by_scale
            yield SequenceBatch(
                inputs, target, (mask * weight[:, :, None, None]).astype(np.float32)
            )

    def prediction_batches(self, origins: IntArray) -> Iterator[tuple[WindowBatch, int]]:
        """Yield windows that end at each series' origin, and how many of their rows count.

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
        return self._inputs(rows, origins, origins[:, None], self.settings.lookback)

    def pairs(self, rows: IntArray, origins: IntArray, train_end: IntArray) -> SequenceBatch:
        """Return windows that end at one origin each, with their targets.

        Args:
            rows: Series; one may stand in several pairs. Shape ``(B,)``.
            origins: An origin of each. Shape ``(B,)``.
            train_end: Last training position per series. Shape ``(N,)``.
        """
        inputs = self.prediction_batch(rows, origins)
        target, mask = self._targets(rows, origins[:, None], train_end, inputs.scale)
        return SequenceBatch(inputs, target, mask)

    def _first_known(self) -> IntArray:
        known = np.isfinite(self.features.demand)
        return np.where(known.any(axis=1), known.argmax(axis=1), known.shape[1])

    def _crop_ends(
        self,
        rows: IntArray,
        first: IntArray,
        train_end: IntArray,
        length: int,
        rng: np.random.Generator,
    ) -> IntArray:
        """Choose where each sequence ends: at the last origin, or earlier in a long history."""
        latest = train_end[rows] - 1
        earliest = np.minimum(np.maximum(first[rows], 0) + length - 1, latest)
        return latest - (rng.random(len(rows)) * (latest - earliest + 1)).astype(int)

    def _draw_origins(
        self,
        rows: IntArray,
        first: IntArray,
        last: IntArray,
        length: int,
        rng: np.random.Generator,
    ) -> IntArray:
        """Draw origins of each sequence without replacement; -1 fills up a short one."""
        place = last[:, None] - length + 1 + np.arange(length)[None, :]
        context = np.minimum(self.settings.min_context - 1, last - first[rows])
        allowed = place >= (first[rows] + context)[:, None]
        key = np.where(allowed, rng.random(place.shape), -1.0)
        num = min(self.settings.num_origins, length)
        picked = np.sort(np.argsort(-key, axis=1, kind="stable")[:, :num], axis=1)
        chosen = np.take_along_axis(place, picked, axis=1)
        return np.where(np.take_along_axis(allowed, picked, axis=1), chosen, -1)

    def _inputs(
        self, rows: IntArray, last: IntArray, origins: IntArray, length: int
    ) -> WindowBatch:
        features = self.features
        place = last[:, None] - length + 1 + np.arange(length)[None, :]
        inside = place >= 0
        past = features.past[rows[:, None], np.maximum(place, 0)] * inside[:, :, None]
        at = np.maximum(origins, 0)
        scale = features.scale[rows[:, None], at]
        return WindowBatch(
            past=past.astype(np.float32),
            origin_index=np.maximum(at - (last - length + 1)[:, None], 0).astype(np.int32),
            future=self._future(rows, at, scale),
            static_codes=features.static_codes[rows],
            static_numbers=features.static_numbers[rows],
            scale=scale,
        )

    def _future(self, rows: IntArray, origins: IntArray, scale: FloatArray) -> FloatArray:
        """Gather what is known ahead of each origin, and demand one season before each target."""
        steps = np.arange(1, self.horizon + 1)
        at = origins[:, :, None] + steps[None, None, :]
        known = self.features.future[rows[:, None, None], at]
        seasonal = np.full(at.shape, np.nan, dtype=np.float32)
        if self.seasonal_lag:
            seasons = -(-steps // self.seasonal_lag) * self.seasonal_lag
            source = at - seasons[None, None, :]
            value = self.features.demand[rows[:, None, None], np.maximum(source, 0)]
            seasonal = np.where(source >= 0, value, np.nan)
        flag = np.isfinite(seasonal)
        relative = np.arcsinh(np.where(flag, seasonal, 0.0) / scale[:, :, None])
        extra = np.stack([relative, flag], axis=3)
        return np.concatenate([known, extra], axis=3).astype(np.float32)

    def _targets(
        self, rows: IntArray, origins: IntArray, train_end: IntArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        steps = np.arange(1, self.horizon + 1)
        at = np.maximum(origins, 0)[:, :, None] + steps[None, None, :]
        taught = (at <= train_end[rows][:, None, None]) & (origins >= 0)[:, :, None]
        at = np.minimum(at, self.features.demand.shape[1] - 1)
        taught &= self.features.teaches[rows[:, None, None], at]
        demand = np.where(taught, self.features.demand[rows[:, None, None], at], 0.0)
        demand = demand / scale[:, :, None]
        running = np.cumsum(demand, axis=2) / steps[None, None, :]
        complete = np.logical_and.accumulate(taught, axis=2)
        target = np.stack([demand, running], axis=3)
        return target.astype(np.float32), np.stack([taught, complete], axis=3).astype(np.float32)


def _filled(rows: IntArray, size: int) -> tuple[IntArray, np.ndarray]:
    """Repeat the first row up to ``size``: batches of one shape are compiled once.

    Returns:
        The rows, and which of them only fill up.
    """
    missing = size - len(rows)
    padding = np.arange(size) >= len(rows)
    return np.concatenate([rows, np.full(missing, rows[0])]), padding
