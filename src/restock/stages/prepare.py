"""Stage prepare: turn raw rows into a demand panel, with a report of what each rule dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restock.data.clean import make_panel
from restock.data.files import write_json
from restock.data.read import read_table
from restock.data.roles import number_columns, wanted_columns, wide_form
from restock.data.store import save_panel
from restock.types import layout

if TYPE_CHECKING:
    from restock.stages.pipeline import PrepareView
    from restock.tracking.context import Context


def run(context: Context[PrepareView]) -> None:
    """Write the panel and the report."""
    settings, files = context.settings, context.files
    data = settings.data
    raw = read_table(
        files.read(layout.RAW),
        data.source,
        wanted=wanted_columns(data),
        numbers=number_columns(data),
        wide=wide_form(data),
    )
    panel, report = make_panel(raw, data, settings.evaluation)
    save_panel(panel, files.write(layout.PANEL))
    write_json(files.write(layout.PREPARE_REPORT), report)
    for sentence in report["said"]:
        context.console.note(sentence)
    context.console.note(
        f"prepared {panel.num_series} series x {panel.num_steps} periods "
        f"({report['first_period']} to {report['last_period']}) from {report['rows_read']} rows"
    )
