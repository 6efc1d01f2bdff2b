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
        column: The observed or known-future column with prices. None: every unit has the value 1.

    Raises:
        ConfigError: If there is no such column.
    """
    if column is None:
        return np.ones(panel.num_series)
    prices = {**panel.observed, **panel.known_future}
    if column not in prices:
        raise ConfigError(
            f"inventory.unit_value: no observed or known-future column {column!r}. "
            f"{nearest(column, prices)}"
        )
    price = carried_forward(prices[column][:, : panel.num_steps])[:, -1]
    typical = np.nanmedian(price) if np.isfinite(price).any() else 1.0
    return np.where(np.isfinite(price), price, typical)
