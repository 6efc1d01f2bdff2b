"""Features of a series' own past. The value at a position uses that position and earlier ones."""

from __future__ import annotations

import numpy as np

from restock.types.panel import FloatArray


def running_scale(demand: FloatArray, window: int, floor: float, cold: FloatArray) -> FloatArray:
    """Return the demand level known at each position: recent mean steadied by the long-run mean.

    Args:
        demand: NaN where unknown. Shape ``(N, T)``.
        window: Periods the recent mean looks back.
        floor: Smallest scale, in units.
        cold: Scale before the first observation, in units. Shape ``(N, 1)``.
    """
    recent, long_run = rolling_mean(demand, window), rolling_mean(demand, demand.shape[1])
    level = 0.7 * np.where(np.isfinite(recent), recent, long_run) + 0.3 * long_run
    return np.where(np.isfinite(level), np.maximum(level, floor), cold)


def rolling_mean(values: FloatArray, window: int) -> FloatArray:
    """Mean of the known values among the last ``window``; NaN where none is known."""
    known = np.isfinite(values)
    total = _windowed_sum(np.where(known, values, 0.0), window)
    count = _windowed_sum(known.astype(float), window)
    return np.where(count > 0.5, total / np.maximum(count, 1.0), np.nan)


def lagged(values: FloatArray, lag: int) -> FloatArray:
    """Shift values ``lag`` positions later; NaN where there is no earlier one."""
    shifted = np.full_like(values, np.nan)
    if lag < values.shape[1]:
        shifted[:, lag:] = values[:, : values.shape[1] - lag]
    return shifted


def carried_forward(values: FloatArray) -> FloatArray:
    """Replace each NaN by the last known value before it."""
    place = np.where(np.isfinite(values), np.arange(values.shape[1])[None, :], 0)
    return np.take_along_axis(values, np.maximum.accumulate(place, axis=1), axis=1)


def history_features(
    demand: FloatArray, scale: FloatArray, lags: tuple[int, ...], windows: tuple[int, ...]
) -> dict[str, FloatArray]:
    """Return the past features of demand, each relative to the scale at its own position.

    Returns:
        Arrays of shape ``(N, T)`` by name, NaN where not defined: the demand itself, lags,
        rolling means, their growth, the share of zeros, the deviation and the level.
    """
    known = np.isfinite(demand)
    features = {"demand": np.arcsinh(demand / scale)}
    for lag in lags:
        features[f"lag_{lag}"] = np.arcsinh(lagged(demand, lag) / scale)
    for window in windows:
        mean = rolling_mean(demand, window)
        features[f"mean_{window}"] = np.arcsinh(mean / scale)
        features[f"growth_{window}"] = _log_ratio(mean, lagged(mean, window), scale)
    widest = max(windows, default=1)
    features["zero_share"] = rolling_mean(np.where(known, demand == 0, np.nan), widest)
    features["deviation"] = np.sqrt(rolling_mean(np.arcsinh(demand / scale) ** 2, widest))
    features["level"] = np.log(scale)
    return features


def price_features(name: str, values: FloatArray) -> dict[str, FloatArray]:
    """Return level, relative level and growth of an observed column such as price."""
    filled = carried_forward(values)
    usual = rolling_mean(filled, values.shape[1])
    return {
        name: filled,
        f"{name}_relative": filled - usual,
        f"{name}_growth": filled - lagged(filled, 1),
    }


def _log_ratio(value: FloatArray, before: FloatArray, scale: FloatArray) -> FloatArray:
    small = 0.1 * scale
    return np.log((value + small) / (before + small))


def _windowed_sum(values: FloatArray, window: int) -> FloatArray:
    total = np.cumsum(values, axis=1, dtype=float)
    if window < values.shape[1]:
        total[:, window:] = total[:, window:] - total[:, :-window]
    return total
