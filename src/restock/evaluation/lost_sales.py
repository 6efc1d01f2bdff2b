"""What sold-out periods are thought to have cost in units. It knows demand, not forecasters.

The expectation is the mean demand of the last periods in stock before each sold-out one. A
forecast of the LSTM would know promotions and seasons, but it has been trained on most of the
history; the mean of what stood before has seen nothing of the period it is held against. It leaves
the season out, and demand that ran out says that demand was high: the estimate is a cautious one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.features.history import carried_forward, lagged, rolling_mean
from restock.types.panel import DemandPanel, FloatArray


def expected_demand(panel: DemandPanel, window: int) -> FloatArray:
    """Return the mean of the known demand in stock over the ``window`` periods before each one.

    Where all of them were sold out, the last such mean is held; NaN before any.

    Returns:
        Units per period. Shape ``(N, T)``.
    """
    return lagged(carried_forward(rolling_mean(panel.uncensored, window)), 1)


def lost_sales(panel: DemandPanel, window: int) -> pd.DataFrame:
    """Add up, per series, what its sold-out periods are thought to have cost.

    Args:
        panel: With stock-outs marked in ``in_stock``.
        window: Periods that the expectation looks back.

    Returns:
        One row per series that was ever sold out, the largest loss first: ``series_id``;
        ``periods_out_of_stock``; ``periods_estimated``, those with a known quantity and anything
        known before them; ``expected_lost_units``, the sum over these of expected less observed
        demand where that is positive.
    """
    missed = expected_demand(panel, window) - panel.demand
    estimated = ~panel.in_stock & np.isfinite(missed)
    table = pd.DataFrame(
        {
            "series_id": panel.series_id,
            "periods_out_of_stock": (~panel.in_stock).sum(axis=1),
            "periods_estimated": estimated.sum(axis=1),
            "expected_lost_units": np.where(estimated, np.maximum(missed, 0.0), 0.0).sum(axis=1),
        }
    )
    sold_out = table[table["periods_out_of_stock"] > 0]
    order = ["expected_lost_units", "series_id"]
    return sold_out.sort_values(order, ascending=[False, True], ignore_index=True)
