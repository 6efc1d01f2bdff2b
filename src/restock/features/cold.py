"""The scale of a series without history, learned from what its static columns say of others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from restock.types.panel import FloatArray, IntArray

# A category of so many series keeps half of the effect that it seems to have. The one is taken by
# which each series is foretold best by the others.
SHRINKAGE = (0.5, 2.0, 8.0, 32.0)

# For each static column what is added to the logarithm of the scale: by category, the unknown
# one (code 0, which adds nothing) first; or, of a number, by its standard deviation.
ColdEffects = Mapping[str, tuple[float, ...]]


def fit_cold_effects(
    codes: Mapping[str, IntArray],
    numbers: Mapping[str, FloatArray],
    level: FloatArray,
    typical: float,
) -> dict[str, tuple[float, ...]]:
    """Learn by ridge regression how the level of demand depends on static columns.

    Args:
        codes: Category codes by column; 0 is unknown. Each ``(N,)``.
        numbers: Standardised numbers by column. Each ``(N,)``.
        level: Mean demand of each series, in units; a series without any teaches nothing. ``(N,)``.
        typical: Level of a series of which nothing is known, in units.

    Source:
        Hoerl and Kennard, Ridge Regression (Technometrics 12, 1970); the leave-one-out error in
        closed form as in Hastie, Tibshirani and Friedman, The Elements of Statistical Learning,
        chapter 7.
    """
    sizes = {name: int(values.max(initial=0)) for name, values in codes.items()}
    blocks = [np.eye(sizes[name] + 1)[values][:, 1:] for name, values in codes.items()]
    blocks += [values[:, None].astype(float) for values in numbers.values()]
    taught = level > 0
    if not blocks or not taught.any():
        return {}
    columns = np.concatenate(blocks, axis=1)[taught]
    target = np.log(level[taught] / typical)
    found = _ridge(columns, target)
    effects: dict[str, tuple[float, ...]] = {}
    for name, size in sizes.items():
        effects[name] = (0.0, *map(float, found[:size]))
        found = found[size:]
    return effects | {name: (float(value),) for name, value in zip(numbers, found, strict=True)}


def _ridge(columns: FloatArray, target: FloatArray) -> FloatArray:
    """Return the coefficients of the shrinkage with the smallest leave-one-out error."""
    best, least = np.zeros(columns.shape[1]), np.inf
    for shrinkage in SHRINKAGE:
        inverse = np.linalg.inv(columns.T @ columns + shrinkage * np.eye(columns.shape[1]))
        found = inverse @ columns.T @ target
        leverage = np.einsum("nc,cd,nd->n", columns, inverse, columns)
        error = float(np.mean(((target - columns @ found) / (1 - leverage)) ** 2))
        if error < least:
            best, least = found, error
    return best


def cold_scale(
    codes: Mapping[str, IntArray],
    numbers: Mapping[str, FloatArray],
    effects: ColdEffects,
    typical: float,
    num_series: int,
) -> FloatArray:
    """Return the scale that each series would have without history, in units. Shape ``(N,)``.

    Arguments as in :func:`fit_cold_effects`; a category beyond those that were learned is unknown.
    """
    added = np.zeros(num_series)
    for name, code in codes.items():
        effect = np.array(effects.get(name, (0.0,)))
        added += effect[np.where(code < len(effect), code, 0)]
    for name, number in numbers.items():
        (slope,) = effects.get(name, (0.0,))
        added += slope * number
    return typical * np.exp(added)
