"""Read tables whose cells have types: Parquet, spreadsheets and JSON lines."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.json as arrow_json
import pyarrow.parquet as pq

from restock.errors import DataError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an old workbook, or one with a password


def read_parquet(name: str, content: bytes) -> pd.DataFrame:
    """Read a Parquet file.

    Raises:
        DataError: If it is cut off or damaged.
    """
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{name}: this Parquet file is damaged or half-written ({_first(error)}). Write it "
            "again."
        ) from error
    plain = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(plain, names=table.column_names).to_pandas(ignore_metadata=True)


def read_json_lines(name: str, content: bytes) -> pd.DataFrame:
    """Read a file with one JSON object a line.

    Raises:
        DataError: If a line is no JSON object. The message names the line.
    """
    try:
        table = arrow_json.read_json(pa.BufferReader(content))
    except pa.ArrowInvalid as error:
        raise DataError(_wrong_line(name, content) or f"{name}: {_first(error)}.") from error
    nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
    if nested:
        raise DataError(
            f"{name}: {', '.join(nested)} holds objects or lists; expected one value a column."
        )
    return table.to_pandas()


def _wrong_line(name: str, content: bytes) -> str:
    for number, line in enumerate(io.BytesIO(content), start=1):
        try:
            if line.strip() and not isinstance(json.loads(line), dict):
                return f"{name}: row {number} is no JSON object."
        except ValueError as error:
            return f"{name}: row {number} is no JSON ({error})."
    return ""


def read_sheet(name: str, content: bytes, sheet: str | None) -> tuple[pd.DataFrame, list[str]]:
    """Read a sheet of a workbook.

    Args:
        name: Name of the file, for errors.
        content: Its bytes.
        sheet: Name of the sheet; None: the first one.

    Returns:
        The table, and the names of all sheets.

    Raises:
        DataError: If it is protected by a password, damaged, or has no such sheet.
    """
    if content.startswith(OLE) and b"E\0n\0c\0r\0y\0p\0t\0e\0d" in content:
        raise DataError(f"{name}: the workbook is protected by a password. Save it without one.")
    try:
        book = pd.ExcelFile(io.BytesIO(content), engine="calamine")
        sheets = [str(one) for one in book.sheet_names]
        if sheet is not None and sheet not in sheets:
            raise DataError(
                f"{name}: no sheet {sheet!r}; it has {', '.join(sheets)}. Set data.source.sheet."
            )
        table = pd.read_excel(book, sheet or 0, dtype=object, keep_default_na=False, na_values=[""])
    except DataError:
        raise
    except Exception as error:  # the readers have errors of their own
        raise DataError(f"{name}: the workbook cannot be read ({_first(error)}).") from error
    table.columns = [str(column) for column in table.columns]
    return table.apply(_typed), sheets


def _typed(column: pd.Series) -> pd.Series:
    """Give a column of a sheet the type that all its cells have; else all are text."""
    cells = column.dropna()
    if cells.map(lambda cell: isinstance(cell, int | float)).all():
        return column.astype("float64")
    if cells.map(lambda cell: isinstance(cell, pd.Timestamp | np.datetime64)).all():
        return pd.to_datetime(column)
    return as_text(column)


def as_text(column: pd.Series) -> pd.Series:
    """Return a column as text. Whole numbers get no point: they may be keys."""
    if column.dtype.kind == "f":
        whole = column.dropna() % 1 == 0
        return (
            column.astype("Int64" if whole.all() else "float64").astype("str").where(column.notna())
        )
    if column.dtype == object:
        column = column.map(
            lambda cell: int(cell) if isinstance(cell, float) and cell.is_integer() else cell,
            na_action="ignore",
        )
    return column.astype("str")


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
