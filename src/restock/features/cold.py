"""The scale of a series without history, learned from what its static columns say of others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from restock.types.panel import FloatArray, IntArray

# A category of so many series keeps half of the effect that it seems to have. The one is taken by
# which each series is foretold best by the others.
SHRINKAGE = (0.5, 2.0, 8.0, 32.0)

REACH = 2.0  # standard deviations beyond which a number says no more: nothing is extrapolated

# For each static column what is added to the logarithm of the scale: by category, the unknown
# one (code 0, which adds nothing) first; or, of a number, by its standard deviation.
ColdEffects = Mapping[str, tuple[float, ...]]


def fit_cold(
    codes: Mapping[str, IntArray], numbers: Mapping[str, FloatArray], level: FloatArray
) -> tuple[float, dict[str, tuple[float, ...]]]:
    """Learn by ridge regression how the level of demand depends on static columns.

    Args:
        codes: Category codes by column; 0 is unknown. Each ``(N,)``.
        numbers: Standardised numbers by column. Each ``(N,)``.
        level: Mean demand of each series, in units; a series without any teaches nothing. ``(N,)``.

    Returns:
        The scale of a series of which nothing is known, in units; and what static columns add to
        its logarithm.

    Source:
        Hoerl and Kennard, Ridge Regression (Technometrics 12, 1970); the leave-one-out error in
        closed form as in Hastie, Tibshirani and Friedman, The Elements of Statistical Learning,
        chapter 7.
    """
    sold = level > 0
    if not sold.any():
        return 1.0, {}
    typical = float(np.median(level[sold]))
    sizes = {name: int(values.max(initial=0)) for name, values in codes.items()}
    blocks: list[FloatArray] = [
        np.eye(sizes[name] + 1)[values][:, 1:] for name, values in codes.items()
    ]
    blocks += [np.clip(values, -REACH, REACH)[:, None] for values in numbers.values()]
    if not blocks:
        return typical, {}
    found = _ridge(np.concatenate(blocks, axis=1)[sold], np.log(level[sold] / typical))
    effects: dict[str, tuple[float, ...]] = {}
    for name, size in sizes.items():
        effects[name] = (0.0, *map(float, found[:size]))
        found = found[size:]
    slopes = {name: (float(value),) for name, value in zip(numbers, found, strict=True)}
    return typical, effects | slopes


def _ridge(columns: FloatArray, target: FloatArray) -> FloatArray:
    """Return the coefficients of the shrinkage with the smallest leave-one-out error."""
    best, least = np.zeros(columns.shape[1]), np.inf
    for shrinkage in SHRINKAGE:
        inverse = np.linalg.inv(columns.T @ columns + shrinkage * np.eye(columns.shape[1]))
        found = inverse @ columns.T @ target
        leverage = ((columns @ inverse) * columns).sum(axis=1)
        error = float(np.mean(((target - columns @ found) / (1 - leverage)) ** 2))
        if error < least:
            best, least = found, error
    return best


def cold_parts(
    codes: Mapping[str, IntArray],
    numbers: Mapping[str, FloatArray],
    scale: float,
    effects: ColdEffects,
    num_series: int,
) -> FloatArray:
    """Return what the logarithm of each series' cold scale is the sum of.

    Arguments as :func:`fit_cold` takes and returns them; a category beyond those that were learned
    is unknown.

    Returns:
        The part of the numbers, then that of each category. Shape ``(N, 1 + C)``.
    """
    parts = np.full((num_series, 1 + len(codes)), 0.0)
    parts[:, 0] = np.log(scale)
    for name, number in numbers.items():
        (slope,) = effects.get(name, (0.0,))
        parts[:, 0] += slope * np.clip(number, -REACH, REACH)
    for place, (name, code) in enumerate(codes.items(), start=1):
        effect = np.array(effects.get(name, (0.0,)))
        parts[:, place] = effect[np.where(code < len(effect), code, 0)]
    return parts
