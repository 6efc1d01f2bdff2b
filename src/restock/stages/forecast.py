"""Stage forecast: forecast the future with the model that was chosen on the tuning folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restock.data.files import read_json, write_json
from restock.data.folds import latest_origins
from restock.data.store import load_panel, write_table
from restock.evaluation.selection import check_scored
from restock.forecasters.bundle import load_bundle
from restock.forecasters.totals import forecast_totals
from restock.types import layout

if TYPE_CHECKING:
    from restock.stages.pipeline import ForecastView
    from restock.tracking.context import Context


def run(context: Context[ForecastView]) -> None:
    """Write quantiles of demand and of total demand, for every series."""
    settings, files = context.settings.evaluation, context.files
    panel = load_panel(files.read(layout.PANEL))
    bundle = load_bundle(files.read(layout.BUNDLE))
    report = read_json(files.read(layout.METRICS))
    check_scored(report, bundle.manifest.digest)
    if panel.known_future and panel.num_future < bundle.horizon:
        names = ", ".join(panel.known_future)
        context.console.note(
            f"the table has only {panel.num_future} future periods of {names}, but the horizon is "
            f"{bundle.horizon}: the last value is used for the missing periods"
        )
    forecast = bundle.predict(panel, latest_origins(panel, settings.align))
    write_table(files.write(layout.FORECAST), forecast.table())
    totals = forecast_totals(forecast, panel.static)
    write_table(files.write(layout.FORECAST_TOTALS), totals)
    info = {"model": bundle.chosen, "unit": forecast.unit, "horizon": bundle.horizon}
    write_json(files.write(layout.FORECAST_INFO), info)
    context.console.note(f"forecast {panel.num_series} series by {bundle.chosen}")
