"""The value of one unit of each series."""

from __future__ import annotations

import numpy as np

from restock.errors import ConfigError, nearest
from restock.features.history import carried_forward
from restock.types.panel import DemandPanel, FloatArray


def unit_value(panel: DemandPanel, column: str | None) -> FloatArray:
    """Return the value of one unit of each series: its last known price. Shape ``(N,)``.

    A series without a price gets the median price.

    Args:
        panel: The series.
        column: The observed column with prices. None: every unit has the value 1.

    Raises:
        ConfigError: If there is no such observed column.
    """
    if column is None:
        return np.ones(panel.num_series)
    if column not in panel.observed:
        known = nearest(column, panel.observed)
        raise ConfigError(f"inventory.unit_value: no observed column {column!r}. {known}")
    price = carried_forward(panel.observed[column])[:, -1]
    typical = np.nanmedian(price) if np.isfinite(price).any() else 1.0
    return np.where(np.isfinite(price), price, typical)
