"""Long seasons: how demand moved at the same place of earlier weeks or years, by groups of series.

Shapes: N series, U combinations of groups, O origins asked for, H horizon, G periods of the index's
own grid, K turns back (one, two, three years before), E smoothing rates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from restock.types.panel import FloatArray, IntArray

MOST = 2.0  # a season changes demand at most by this logarithm, a factor of seven


@dataclass(frozen=True)
class SeasonIndex:
    """How the demand of groups of series moved, learned up to the training's end.

    Attributes:
        cycle: ``year`` or ``week``.
        start: Label of the first period of the index.
        half: Periods before and after each that were averaged. The index at a position is known
            that much later.
        groups: Logarithm of demand by group; only differences over time mean something. The group
            of all series is called ``""``. That of a category is ``column=category``: it is what is
            added to the index of all, shrunk by how reliably it was found.
    """

    cycle: str
    start: str
    half: int
    groups: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Turns:
    """One cycle for some series, ready to be read at any origin.

    Attributes:
        index: Logarithm of demand, for each combination of groups that a series may be in; NaN
            where unknown. Shape ``(U, G)``.
        level: The same, exponentially smoothed. Shape ``(E, U, G)``.
        back: Where each period stood one, two, ... turns before, moving holidays aligned; -1 where
            that is before the grid. Shape ``(K, G)``.
        plain: The same without holidays. Shape ``(K, G)``.
        half: See :class:`SeasonIndex`.
        moved: The anchors that are moved, by place; level has one smoothing rate for each.
        groups: Row of ``index`` of each series. Shape ``(N,)``.
        first: Grid position of position 0 of each series' features. Shape ``(N,)``.
    """

    index: FloatArray
    level: FloatArray
    back: IntArray
    plain: IntArray
    half: int
    moved: tuple[int, ...]
    groups: IntArray
    first: IntArray

    def take(self, rows: IntArray) -> Turns:
        """Return some series."""
        return replace(self, groups=self.groups[rows], first=self.first[rows])

    def growth(self, origins: IntArray, horizon: int) -> FloatArray:
        """Return how far demand moved from each origin to each step, earlier at the same place.

        It is the mean over the turns that were known at the origin, and 0 where there is none.

        Args:
            origins: Positions in the features. Shape ``(N, O)``.
            horizon: Periods ahead, H.

        Returns:
            Logarithms, for each smoothing rate of the level at the origin. ``(N, O, H, E)``.
        """
        rows = self.groups[:, None]
        last = self.index.shape[1] - 1
        at = np.clip(origins + self.first[:, None], 0, last)
        target = np.minimum(at[:, :, None] + np.arange(1, horizon + 1), last)
        total = np.zeros((*target.shape, len(self.level)), dtype=np.float32)
        count = np.zeros((*target.shape, 1), dtype=np.float32)
        for back, plain in zip(self.back, self.plain, strict=True):
            source, before = back[target], plain[at]
            then = self.index[rows[:, :, None], np.maximum(source, 0)]
            level = self.level[:, rows, np.maximum(before, 0)]
            moved = then[..., None] - np.moveaxis(level, 0, -1)[:, :, None]
            known = (source >= 0) & (source + self.half <= at[:, :, None])
            known &= (before >= 0)[:, :, None] & np.isfinite(moved[..., 0])
            total += np.where(known[..., None], moved, 0.0)
            count += known[..., None]
        return np.clip(total / np.maximum(count, 1.0), -MOST, MOST)
