"""Settings of the inventory: the replenishment policy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.costs import CostSettings


class InventorySettings(CostSettings):
    """The replenishment policy. Lead time and review period are in periods of the data."""

    service_level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Probability that the reorder point covers demand over the protection interval."""

    unit_value: str | None = None
    """The observed column that prices a unit in the plan; null: each unit counts 1."""

    order_cost: Annotated[float, Field(ge=0)] = 0.0
    """Cost of placing an order, in the currency of the value; above 0, orders are placed in
    economic lots.
    """

    stock_path: str | None = None
    """A CSV or Parquet file of ``series_id``, ``on_hand``, ``on_order`` and ``backorders``; null:
    stock is unknown, and no quantity is ordered.
    """
