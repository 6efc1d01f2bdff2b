"""From lead-time demand to a plan: reorder point, safety stock, order-up-to level, quantity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from restock.decisions.demand import LeadTimeDemand
from restock.settings.inventory import InventorySettings
from restock.types.panel import FloatArray


@dataclass(frozen=True)
class ReplenishmentPlan:
    """What to order, per series. Quantities are in whole units. All arrays have shape ``(N,)``.

    Attributes:
        series_id: Names of the series.
        reorder_point: Order if the inventory position is at or below it.
        safety_stock: Reorder point minus expected demand over the protection interval.
        order_up_to_level: Inventory position after an order.
        order_quantity: Units to order now; NaN where stock is unknown.
        expected_shortage_cost: Expected cost of missing units per period, in currency, at today's
            inventory position; at the reorder point if stock is unknown.
        expected_cost: The same plus the expected holding cost per period, in currency.
        why: One sentence that explains the quantity.
    """

    series_id: np.ndarray
    reorder_point: FloatArray
    safety_stock: FloatArray
    order_up_to_level: FloatArray
    order_quantity: FloatArray
    expected_cost: FloatArray
    expected_shortage_cost: FloatArray
    why: list[str]

    def __post_init__(self) -> None:
        """Check that levels are ordered and that nothing negative is ordered."""
        assert (self.order_up_to_level >= self.reorder_point).all()
        assert not (self.order_quantity < 0).any()

    def table(self) -> pd.DataFrame:
        """Return the plan as a table, one row per series; the highest shortage cost comes first."""
        table = pd.DataFrame(
            {
                "series_id": self.series_id,
                "reorder_point": self.reorder_point.astype(int),
                "safety_stock": self.safety_stock.astype(int),
                "order_up_to_level": self.order_up_to_level.astype(int),
                "order_quantity": pd.array(self.order_quantity, dtype="Float64").astype("Int64"),
                "expected_cost": self.expected_cost.round(4),
                "expected_shortage_cost": self.expected_shortage_cost.round(4),
                "why": self.why,
            }
        )
        return table.sort_values(
            ["expected_shortage_cost", "series_id"], ascending=[False, True], kind="stable"
        ).reset_index(drop=True)


def make_plan(
    series_id: np.ndarray,
    demand: LeadTimeDemand,
    settings: InventorySettings,
    unit_value: FloatArray,
    position: FloatArray,
) -> ReplenishmentPlan:
    """Make a plan for a periodic-review policy: if stock is low at a review, order up to a level.

    Args:
        series_id: Names of the series. Shape ``(N,)``.
        demand: Total demand over the protection interval (lead time + review period). An order
            placed now must cover it until the next order arrives.
        settings: Service level and costs.
        unit_value: Value of one unit, in currency. Shape ``(N,)``.
        position: Inventory position: on hand + on order - backorders, in units; NaN where unknown.
            Shape ``(N,)``.

    Returns:
        The plan. ``table()`` gives one row per series.

    Source:
        Silver, Pyke and Thomas, Inventory and Production Management in Supply Chains (4th ed.),
        chapters 4 (order quantity) and 6 ((R, s, S) systems).
    """
    expected = demand.mean()
    reorder_point = np.ceil(demand.quantile(settings.service_level))
    safety_stock = np.maximum(np.ceil(reorder_point - expected), 0.0)
    per_period = expected / demand.num_periods
    holding = settings.holding_cost * unit_value
    lot = economic_order_quantity(per_period, settings.order_cost, holding)
    up_to = reorder_point + np.ceil(lot)
    known = np.isfinite(position)
    quantity = np.where(position <= reorder_point, np.maximum(np.ceil(up_to - position), 0), 0.0)
    quantity = np.where(known, quantity, np.nan)
    stock = np.where(known, position, reorder_point)
    shortage = demand.expected_shortage(stock) / settings.review_period
    shortage_cost = shortage * settings.stockout_cost * unit_value
    cost = shortage_cost + demand.expected_leftover(stock) * holding
    why = [
        _why(*row, service_level=settings.service_level, num_periods=demand.num_periods)
        for row in zip(position, reorder_point, expected, strict=True)
    ]
    return ReplenishmentPlan(
        series_id, reorder_point, safety_stock, up_to, quantity, cost, shortage_cost, why
    )


def economic_order_quantity(
    demand: FloatArray, order_cost: float, holding_cost: FloatArray
) -> FloatArray:
    """Return the economic order quantity in units, sqrt(2 K d / h) (Harris, 1913). ``(N,)``.

    Args:
        demand: Expected demand per period, d, in units. Shape ``(N,)``.
        order_cost: Cost of an order, K. 0 gives a quantity of 0.
        holding_cost: Cost per unit and period, h. Shape ``(N,)``; 0 gives a quantity of 0.
    """
    useful = holding_cost > 0
    return np.sqrt(np.where(useful, 2 * order_cost * demand / np.where(useful, holding_cost, 1), 0))


def _why(
    position: float,
    reorder_point: float,
    expected: float,
    *,
    service_level: float,
    num_periods: int,
) -> str:
    cover = (
        f"{reorder_point:.0f} covers {service_level:.0%} of outcomes over "
        f"{num_periods} periods (expected {expected:.0f})"
    )
    if np.isnan(position):
        return f"stock unknown; {cover}"
    if position <= reorder_point:
        return f"position {position:.0f} is at or below the reorder point; {cover}"
    return f"position {position:.0f} is above the reorder point; {cover}"
