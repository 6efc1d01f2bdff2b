"""Anchors: simple forecasts from every origin, which the network weighs and corrects.

An anchor is stored as three numbers per position: level, trend and season. The forecasts of all
steps are computed only for the origins that are needed. Some anchors are forecast twice: as they
are, and moved by long seasons of groups of series.
Shapes: N series, T periods, A anchors, B series and O origins asked for, H horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from restock.types.panel import BoolArray, FloatArray, IntArray
from restock.types.seasons import Turns

# A forecast is at most a quarter above the largest demand so far: an exponential trend must not
# grow without limit.
HEADROOM = 1.25


@dataclass(frozen=True)
class Anchors:
    """The state of every anchor at every position. It uses nothing after the position.

    Attributes:
        level, trend, season: Each ``(N, T, A)``, float32. The season is the seasonal index of the
            period itself, after its demand was seen.
        most: Largest demand so far, in units. Shape ``(N, T)``.
        ready: Whether there is at least one whole season of history. Shape ``(N, T)``.
        period: Periods in a season; 0: no season.
        damping: Share of the trend that remains after each step. Shape ``(A,)``.
        ratios: Whether an anchor's numbers are logarithms. Shape ``(A,)``.
        unit: Anchors with ``ratios`` smooth log(1 + demand / unit). In units.
        turns: Long seasons. They move some of the anchors, which are then forecast both ways.
        moved: Which anchors they move, by place.
    """

    level: FloatArray
    trend: FloatArray
    season: FloatArray
    most: FloatArray
    ready: BoolArray
    period: int
    damping: FloatArray
    ratios: BoolArray
    unit: float
    turns: tuple[Turns, ...] = ()
    moved: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Number of anchors, A, those included that are moved by long seasons."""
        return int(self.level.shape[2]) + len(self.moved)

    def take(self, rows: IntArray) -> Anchors:
        """Return the anchors of some series."""
        names = ("level", "trend", "season", "most", "ready")
        taken = {name: getattr(self, name)[rows] for name in names}
        return replace(self, **taken, turns=tuple(turns.take(rows) for turns in self.turns))

    def forecast(self, origins: IntArray, horizon: int) -> FloatArray:
        """Compute the forecasts of every series from some origins.

        Args:
            origins: Positions. Shape ``(N, O)``.
            horizon: Periods ahead, H.

        Returns:
            Demand in units, not negative. Shape ``(N, O, H, A)``.
        """
        steps = np.arange(1, horizon + 1)
        rows = np.arange(len(origins))[:, None]
        turns = np.cumsum(self.damping[None, :] ** steps[:, None], axis=0).astype(np.float32)
        value = self.level[rows, origins][:, :, None, :]
        value = value + self.trend[rows, origins][:, :, None, :] * turns
        if self.period:
            source = origins[:, :, None] + steps - -(-steps // self.period) * self.period
            index = self.season[rows[:, :, None], np.maximum(source, 0)]
            value = value + np.where(self.ready[rows, origins][:, :, None, None], index, 0.0)
        growth = [turns.growth(origins, horizon) for turns in self.turns]
        return self._units(value, self.most[rows, origins][:, :, None, None], growth)

    def next_step(self) -> FloatArray:
        """Return the forecast of the next period from every position. Shape ``(N, T, A)``."""
        value = self.level + self.trend * self.damping.astype(np.float32)
        if self.period:
            before = self.period - 1  # the index one season before the next period
            index = np.where(self.ready[:, before:, None], self.season[:, : -before or None], 0.0)
            value[:, before:] += index
        every = np.tile(np.arange(value.shape[1]), (len(value), 1))
        growth = [turns.growth(every, 1)[:, :, 0] for turns in self.turns]
        return self._units(value, self.most[:, :, None], growth)

    def _units(
        self, value: FloatArray, most: FloatArray, growth: Sequence[FloatArray]
    ) -> FloatArray:
        """Undo logarithms, move some, and limit all to 0 to HEADROOM times the largest so far."""
        logs = np.minimum(value[..., self.ratios], 30.0)
        # In double precision, whose rounding to single is the same on every processor.
        value[..., self.ratios] = self.unit * np.expm1(logs, dtype=np.float64)
        if self.moved:
            moved = value[..., self.moved] * np.exp(sum(growth), dtype=np.float64)
            value = np.concatenate([value, moved], axis=-1)
        return np.clip(value, 0.0, HEADROOM * most).astype(np.float32)
