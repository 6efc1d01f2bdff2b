"""Notice that the best values of a sweep lie at an edge of what was searched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from restock.errors import ConfigError
from restock.settings.base import Frozen, replace_at
from restock.settings.search import Dimension

NEAR = 0.05  # of the range


def edge_notes(
    settings: Frozen, space: Mapping[str, Dimension], best: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a note for each best value at an edge that can be moved, with the override.

    Args:
        settings: The settings that a trial changes.
        space: The search space, by the names of its dimensions.
        best: The best values, by settings path.
    """
    for name, dimension in space.items():
        if dimension.kind == "categorical" or dimension.low == dimension.high:
            continue
        value, share = best[dimension.path], _share(dimension, float(best[dimension.path]))
        edge = "low" if share <= NEAR else "high" if share >= 1 - NEAR else None
        if edge is None:
            continue
        moved = _moved(dimension, edge)
        if _is_allowed(settings, dimension, moved):
            yield (
                f"the best {dimension.path}, {value:g}, is at the {edge} end of its range, "
                f"{dimension.low:g} to {dimension.high:g}. To search beyond it: "
                f"search.space.{name}.{edge}={moved:g}"
            )


def _share(dimension: Dimension, value: float) -> float:
    """Return where in its range a value lies, from 0 to 1."""
    low, high = float(dimension.low or 0.0), float(dimension.high or 0.0)
    if dimension.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def _moved(dimension: Dimension, edge: str) -> float:
    """Return an edge moved outwards by half of the range; a logarithmic one by a factor of 2."""
    low, high = float(dimension.low or 0.0), float(dimension.high or 0.0)
    if dimension.log:
        moved = low / 2 if edge == "low" else high * 2
    else:
        step = dimension.step or (1.0 if dimension.kind == "int" else (high - low) / 2)
        distance = step * max(round((high - low) / 2 / step), 1)
        moved = low - distance if edge == "low" else high + distance
    return float(round(moved)) if dimension.kind == "int" else moved


def _is_allowed(settings: Frozen, dimension: Dimension, value: float) -> bool:
    try:
        replace_at(settings, {dimension.path: int(value) if dimension.kind == "int" else value})
    except ConfigError:
        return False
    return True
