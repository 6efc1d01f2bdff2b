"""Estimate the units lost in sold-out periods. It uses demand only, no forecasters.

Expected demand is the mean demand of the last periods in stock before a sold-out one. A forecast
of the LSTM would know promotions and seasons, but it was trained on most of the history. The mean
knows nothing of the sold-out period itself. The estimate is rather too low: the mean ignores the
season, and stock tends to run out when demand is high.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.features.history import carried_forward, lagged, rolling_mean
from restock.types.panel import DemandPanel, FloatArray


def expected_demand(panel: DemandPanel, window: int) -> FloatArray:
    """Return the mean of the known demand in stock over the ``window`` periods before each one.

    If all of them were sold out, the last known mean is used; NaN before there is any.

    Returns:
        Units per period. Shape ``(N, T)``.
    """
    return lagged(carried_forward(rolling_mean(panel.uncensored, window)), 1)


def lost_sales(panel: DemandPanel, window: int) -> pd.DataFrame:
    """Estimate the lost units of each series.

    Args:
        panel: A panel with stock-outs in ``in_stock``.
        window: Periods of history for the expected demand.

    Returns:
        One row per series that was ever sold out, the largest loss first: ``series_id``;
        ``periods_out_of_stock``; ``periods_estimated``, those with an observed demand and with an
        expected one; ``expected_lost_units``, the sum over these of expected minus observed demand,
        where it is positive.
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
