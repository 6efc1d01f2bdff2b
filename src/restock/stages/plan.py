"""Stage plan: turn the forecast into a replenishment plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from restock.data.files import read_json, write_json
from restock.data.store import load_panel, write_table
from restock.decisions.demand import LeadTimeDemand
from restock.decisions.plan import make_plan
from restock.decisions.stock import read_positions
from restock.decisions.value import unit_value
from restock.types import layout
from restock.types.forecast import DemandForecast

if TYPE_CHECKING:
    from restock.stages.pipeline import PlanView
    from restock.tracking.context import Context


def run(context: Context[PlanView]) -> None:
    """Write the plan. The series with the highest expected shortage cost comes first."""
    inventory = context.settings.inventory
    info = read_json(context.files.read(layout.FORECAST_INFO))
    table = pd.read_parquet(context.files.read(layout.FORECAST))
    forecast = DemandForecast.from_table(table, info["unit"])
    demand = LeadTimeDemand.from_forecast(forecast, inventory.protection_interval)
    panel = load_panel(context.files.read(layout.PANEL))
    position = np.full(panel.num_series, np.nan)
    if inventory.stock_path is not None:
        position = read_positions(Path(inventory.stock_path), inventory.stock_form, panel.series_id)
        unlisted = int(np.isnan(position).sum())
        if unlisted:
            context.console.note(
                f"{unlisted} of {panel.num_series} series are not in the stock table and get no "
                "order quantity"
            )
    plan = make_plan(
        forecast.series_id, demand, inventory, unit_value(panel, inventory.unit_value), position
    )
    write_table(context.files.write(layout.PLAN), plan.table())
    summary = {
        "total_reorder_point": float(plan.reorder_point.sum()),
        "total_safety_stock": float(plan.safety_stock.sum()),
        "total_order_quantity": float(np.nansum(plan.order_quantity)),
        "total_expected_cost": float(plan.expected_cost.sum()),
        "series_with_unknown_stock": int(np.isnan(position).sum()),
    }
    write_json(context.files.write(layout.PLAN_METRICS), summary)
    context.console.note(f"planned {panel.num_series} series")
