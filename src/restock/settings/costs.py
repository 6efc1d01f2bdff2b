"""Settings of the cost of stock. Forecasts are also compared by this cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import Frozen


class CostSettings(Frozen):
    """The cost of stock over a protection interval. Times are in periods of the data."""

    lead_time: Annotated[int, Field(ge=0)] = 2
    """Periods from an order to its arrival."""

    review_period: Annotated[int, Field(ge=1)] = 1
    """Periods between two reviews of the stock."""

    holding_cost: Annotated[float, Field(ge=0)] = 0.005
    """Cost of a unit left over, as a share of its value, per period."""

    stockout_cost: Annotated[float, Field(ge=0)] = 0.4
    """Cost of a unit short, as a share of its value."""

    @property
    def protection_interval(self) -> int:
        """Periods that one order must cover: lead time plus review period."""
        return self.lead_time + self.review_period
