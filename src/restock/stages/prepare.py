"""Stage prepare: raw rows to a demand panel, with a report of every rule's effect."""

from __future__ import annotations

from restock.data.clean import make_panel
from restock.data.files import write_json
from restock.data.sources.file import read_table
from restock.data.store import save_panel
from restock.settings.tree import Settings
from restock.tracking.context import Context
from restock.types import layout


def run(settings: Settings, context: Context) -> None:
    """Write the panel and the report."""
    raw = read_table(context.layout.read(layout.RAW), settings.data.source)
    panel, report = make_panel(raw, settings.data, settings.evaluation)
    save_panel(panel, context.layout.write(layout.PANEL))
    write_json(context.layout.write(layout.PREPARE_REPORT), report)
    context.console.note(
        f"prepared {panel.num_series} series x {panel.num_steps} periods "
        f"({report['first_period']} to {report['last_period']}) from {report['rows_read']} rows"
    )
