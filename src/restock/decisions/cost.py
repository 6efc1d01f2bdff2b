"""What a forecast costs: the newsvendor's loss of ordering by it, for demand that really came."""

from __future__ import annotations

import numpy as np

from restock.decisions.demand import LeadTimeDemand
from restock.settings.costs import CostSettings
from restock.types.panel import FloatArray


def realised_cost(demand: LeadTimeDemand, total: FloatArray, settings: CostSettings) -> FloatArray:
    """Return what each series would have paid for stocking up to the critical ratio.

    Leftover pays holding cost and a shortage pays stockout cost, once, at the end of the
    protection interval. Every unit counts one.

    Args:
        demand: Forecast of total demand over the protection interval.
        total: What came; NaN is not known. Shape ``(N,)``.
        settings: The costs.

    Returns:
        Cost in unit values; NaN where the total is not known. Shape ``(N,)``.

    Source:
        The critical ratio p / (p + h): Silver, Pyke and Thomas (4th ed.), section 9.2.
    """
    holding, stockout = settings.holding_cost, settings.stockout_cost
    level = demand.quantile(stockout / max(stockout + holding, 1e-12))
    over, short = np.maximum(level - total, 0), np.maximum(total - level, 0)
    return np.asarray(holding * over + stockout * short)
