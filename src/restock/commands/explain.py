"""Explain one series: what each input adds to its forecast of the coming horizon."""

from __future__ import annotations

from urllib.parse import quote

from restock.commands.arguments import Arguments
from restock.commands.views import ExplainView
from restock.data.folds import latest_origins
from restock.data.store import load_panel, write_table
from restock.evaluation.explain import explain_series
from restock.forecasters.bundle import load_bundle
from restock.pages import figures
from restock.tracking.context import Context
from restock.tracking.protocol import Parts
from restock.types import layout

SHOWN = 12  # inputs


def run(context: Context[ExplainView], arguments: Arguments) -> Parts:
    """Write and log every effect as a table and a picture; return the strongest as parts.

    Raises:
        UserError: If there is no such series.
    """
    (series_id,), files = arguments.names, context.files
    panel = load_panel(files.read(layout.PANEL))
    bundle = load_bundle(files.read(layout.BUNDLE))
    origins = latest_origins(panel, context.settings.evaluation.align)
    effects = explain_series(bundle, panel, origins, series_id)
    folder = files.write(layout.EXPLANATIONS)
    name = quote(series_id, safe=" ")  # any text is a series; not any text is a file name
    table, picture = folder / f"{name}.csv", folder / f"{name}.png"
    write_table(table, effects)
    title = (
        f"{series_id}: {panel.unit} that each input adds to the LSTM's median, against its average"
    )
    figures.effect_bars(picture, effects, title)
    with context.tracker.child("explain") as tracker:
        tracker.log_params({"series_id": series_id})
        tracker.set_tags({"restock.bundle": bundle.manifest.digest})
        for path in (table, picture):
            tracker.log_artifact(path, layout.EXPLANATIONS)
    return [(title, effects.head(SHOWN)), ("Table", str(table)), ("Picture", str(picture))]
