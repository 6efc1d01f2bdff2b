"""The cost of a forecast: the newsvendor loss of ordering by it, given the actual demand."""

from __future__ import annotations

import numpy as np

from restock.decisions.demand import LeadTimeDemand
from restock.settings.costs import CostSettings
from restock.types.panel import FloatArray


def realised_cost(demand: LeadTimeDemand, total: FloatArray, settings: CostSettings) -> FloatArray:
    """Return the cost of each series if stock were the forecast quantile at the critical ratio.

    Units left over pay the holding cost, missing units the stockout cost. Both are paid once, at
    the end of the protection interval. Every unit has a value of 1.

    Args:
        demand: Forecast of total demand over the protection interval.
        total: Actual total demand, in units; NaN where unknown. Shape ``(N,)``.
        settings: The costs.

    Returns:
        Cost in values of a unit; NaN where the total is unknown. Shape ``(N,)``.

    Source:
        The critical ratio p / (p + h): Silver, Pyke and Thomas (4th ed.), section 9.2.
    """
    holding, stockout = settings.holding_cost, settings.stockout_cost
    level = demand.quantile(stockout / max(stockout + holding, 1e-12))
    over, short = np.maximum(level - total, 0), np.maximum(total - level, 0)
    return np.asarray(holding * over + stockout * short)
