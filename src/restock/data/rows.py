"""Read the columns of a table that a panel is made from."""

from __future__ import annotations

from pathlib import Path

from restock.data.raw import RawTable
from restock.data.read import read_table
from restock.data.roles import number_columns, wanted_columns
from restock.data.tables.wide import Wide
from restock.settings.panel import PanelSettings
from restock.settings.source import TableForm


def read_rows(
    path: Path,
    settings: PanelSettings,
    form: TableForm = TableForm(),  # noqa: B008 (frozen)
) -> RawTable:
    """Read what a panel needs of the files at a path; see :func:`read_table`.

    Args:
        path: A table file, packed or not, or a folder of them.
        settings: Which column has which role.
        form: How text files are written; what it does not say is found out.

    Raises:
        DataError: If a file cannot be read, lacks a column, or is written otherwise than the
            others. The message names the file.
    """
    wanted, numbers = wanted_columns(settings), number_columns(settings)
    return read_table(path, form, wanted=wanted, numbers=numbers, wide=wide_form(settings))


def wide_form(settings: PanelSettings) -> Wide | None:
    """Return how the table becomes a long one; None if it is."""
    columns = settings.columns
    if not columns.wide:
        return None
    keys = (*columns.series, *columns.static)
    pattern = columns.timestamp.format
    return Wide(keys, columns.timestamp.name, columns.demand.column, pattern)
