"""Settings of the inventory: the replenishment policy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import Frozen
from restock.settings.costs import CostSettings
from restock.settings.source import TableForm


class StockSettings(Frozen):
    """Where the tables of the plan are."""

    unit_value: str | None = None
    """The observed or known-future column with the price of a unit, for the plan; null: every unit
    counts 1.
    """

    stock_path: str | None = None
    """A table with the columns ``series_id``, ``on_hand``, ``on_order`` and ``backorders``, as
    ``data.source.path`` may be. null: stock is unknown, and the plan gives no order quantities.
    """

    stock_form: TableForm = TableForm()
    """How the stock table is written."""


class InventorySettings(StockSettings, CostSettings):
    """The replenishment policy. Lead time and review period are in periods of the data."""

    service_level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Probability that the reorder point covers demand over the protection interval."""

    order_cost: Annotated[float, Field(ge=0)] = 0.0
    """Cost of placing one order, in the currency of the value. If it is above 0, quantities are
    economic order quantities.
    """
