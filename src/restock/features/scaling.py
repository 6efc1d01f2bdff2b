"""Standardisation: moments that are learned from training rows, and applied to any."""

from __future__ import annotations

import numpy as np

from restock.features.columns import Named
from restock.types.panel import BoolArray, FloatArray


def moments(features: Named, rows: BoolArray) -> tuple[dict[str, float], dict[str, float]]:
    """Mean and standard deviation of each feature over the training rows."""
    mean, std = {}, {}
    for name, values in features.items():
        known = values[rows & np.isfinite(values)]
        mean[name] = float(known.mean()) if known.size else 0.0
        std[name] = float(known.std()) if known.size else 0.0
    return mean, std


def standardise(values: FloatArray, mean: float, std: float) -> FloatArray:
    """Centre and scale; unknown values become 0, the mean. Far outliers are held at 10 deviations.

    A feature that never moved in training says nothing: it becomes 0 throughout.
    """
    if std < 1e-9:
        return np.zeros(values.shape, dtype=np.float32)
    standard = ((values - mean) / std).astype(np.float32)
    return np.clip(np.where(np.isnan(standard), 0.0, standard), -10.0, 10.0)
