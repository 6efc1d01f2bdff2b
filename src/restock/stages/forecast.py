"""Stage forecast: forecast the future with the model that was chosen on the tuning folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restock.data.files import read_json, write_json
from restock.data.folds import latest_origins, make_folds
from restock.data.store import load_panel, write_table
from restock.evaluation.selection import check_scored
from restock.forecasters.baselines.make import baselines_beside
from restock.forecasters.bundle import load_bundle
from restock.forecasters.names import LSTM
from restock.forecasters.totals import forecast_totals
from restock.types import layout
from restock.types.forecast import FittedForecaster

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
    chosen: str = report["chosen"]
    model: FittedForecaster = bundle
    if chosen != LSTM:
        # Fitted up to the same training end as the bundle: it is the model that was scored.
        train_end = make_folds(panel, settings).test.train_end
        baselines = baselines_beside(bundle.manifest, settings.baselines)
        model = baselines[chosen].fit(panel, train_end)
    if panel.known_future and panel.num_future < model.horizon:
        names = ", ".join(panel.known_future)
        context.console.note(
            f"the table has only {panel.num_future} future periods of {names}, but the horizon is "
            f"{model.horizon}: the last value is used for the missing periods"
        )
    forecast = model.predict(panel, latest_origins(panel, settings))
    write_table(files.write(layout.FORECAST), forecast.table())
    totals = forecast_totals(forecast, panel.static)
    write_table(files.write(layout.FORECAST_TOTALS), totals)
    info = {"model": chosen, "unit": forecast.unit, "horizon": model.horizon}
    write_json(files.write(layout.FORECAST_INFO), info)
    context.console.note(f"forecast {panel.num_series} series by {chosen}")
