"""Stage prepare: turn raw rows into a demand panel, with a report of what each rule dropped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from restock.data.clean import make_panel
from restock.data.files import write_json
from restock.data.folds import make_folds
from restock.data.rows import read_rows
from restock.data.store import save_panel, write_table
from restock.decisions.stock import read_positions
from restock.decisions.value import unit_value
from restock.errors import DataError, UserError
from restock.types import layout

if TYPE_CHECKING:
    from restock.settings.folds import FoldSettings
    from restock.settings.inventory import StockSettings
    from restock.stages.pipeline import PrepareView
    from restock.tracking.context import Context
    from restock.types.panel import DemandPanel


def check_later_steps(panel: DemandPanel, folds: FoldSettings, inventory: StockSettings) -> None:
    """Refuse before any training what a later step would refuse: folds, prices and the stock.

    Raises:
        DataError: If nothing was ever sold, the history is too short for the folds, or the stock
            table cannot be used.
        ConfigError: If there is no such price.
    """
    if not np.nansum(panel.demand):
        raise DataError("demand is 0 in every period of every series: nothing can be learned.")
    make_folds(panel, folds)
    unit_value(panel, inventory.unit_value)
    if inventory.stock_path is not None:
        read_positions(Path(inventory.stock_path), inventory.stock_form, panel.series_id)


def run(context: Context[PrepareView]) -> None:
    """Write the panel and the report."""
    settings, files = context.settings, context.files
    data = settings.data
    if not files.read(layout.RAW).exists():
        raise UserError(f"{files.read(layout.RAW)}: no such folder. Run `restock fetch` first.")
    raw = read_rows(files.read(layout.RAW), data, data.source)
    panel, report = make_panel(raw, data, settings.evaluation)
    check_later_steps(panel, settings.evaluation, settings.inventory)
    save_panel(panel, files.write(layout.PANEL))
    write_json(files.write(layout.PREPARE_REPORT), report)
    write_table(files.write(layout.QUARANTINE), raw.findings.quarantine)
    counts = report["validation"]
    context.tracker.log_metrics({f"validation_{rule}": counts[rule] for rule in counts})
    for sentence in report["said"]:
        context.console.note(sentence)
    context.console.note(
        f"prepared {panel.num_series} series x {panel.num_steps} periods "
        f"({report['first_period']} to {report['last_period']}) from {report['rows_read']} rows"
    )
