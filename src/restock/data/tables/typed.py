"""Read tables whose cells have types: Parquet, spreadsheets and JSON lines."""

from __future__ import annotations

import io
import json
from collections import Counter

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
    return _plain(name, table)


def _plain(name: str, table: pa.Table) -> pd.DataFrame:
    """Return a table of numbers, texts and dates."""
    _check_once(name, table.column_names)
    return pd.DataFrame(
        {
            field.name: _column(name, field, table.column(at))
            for at, field in enumerate(table.schema)
        }
    )


def _check_once(name: str, columns: list[str]) -> None:
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise DataError(f"{name}: two columns are called {twice[0]!r}. Rename or remove one.")


def _column(name: str, field: pa.Field, values: pa.ChunkedArray) -> pd.Series:
    kind = field.type
    if pa.types.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pa.types.is_nested(kind):
        raise DataError(
            f"{name}: {field.name!r} holds objects or lists; expected one value a column."
        )
    if pa.types.is_decimal(kind):
        values = values.cast(pa.float64())
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.int8()).cast(pa.float64())
    elif pa.types.is_integer(kind) and values.null_count:
        return values.to_pandas(types_mapper=lambda _: pd.Int64Dtype())
    elif pa.types.is_date(kind):
        values = values.cast(pa.timestamp("s"))
    return values.to_pandas()


def read_json_lines(name: str, content: bytes) -> pd.DataFrame:
    """Read a file with one JSON object a line.

    Raises:
        DataError: If a line is no JSON object. The message names the line.
    """
    try:
        table = arrow_json.read_json(pa.BufferReader(content))
    except pa.ArrowInvalid as error:
        raise DataError(_wrong_line(name, content) or f"{name}: {_first(error)}.") from error
    times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
    if times:  # arrow would turn the clock of a text with an offset into UTC
        schema = pa.schema([(column, pa.string()) for column in times])
        options = arrow_json.ParseOptions(explicit_schema=schema)
        table = arrow_json.read_json(pa.BufferReader(content), parse_options=options)
    return _plain(name, table)


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
        cells = pd.read_excel(
            book, sheet or 0, header=None, dtype=object, keep_default_na=False, na_values=[""]
        )
    except DataError:
        raise
    except Exception as error:  # the readers have errors of their own
        raise DataError(f"{name}: the workbook cannot be read ({_first(error)}).") from error
    if cells.empty:
        raise DataError(f"{name}: the sheet is empty.")
    names = [str(cell).strip() for cell in cells.iloc[0]]
    _check_once(name, [column for column in names if column != "nan"])
    table = cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)
    kept = table.loc[:, [column != "nan" for column in names]]
    return kept.apply(_typed), sheets


def _typed(column: pd.Series) -> pd.Series:
    """Give a column of a sheet the type that all its cells have, if there is one."""
    cells = column.dropna()
    if cells.map(lambda cell: isinstance(cell, int | float)).all():
        return column.astype("float64")
    if cells.map(lambda cell: isinstance(cell, pd.Timestamp | np.datetime64)).all():
        return pd.to_datetime(column)
    return column


def as_text(column: pd.Series, decimal: str = ".") -> pd.Series:
    """Return a column as text.

    Whole numbers get no mark: they may be keys. The others get the decimal mark of the table, by
    which they are read again.
    """

    def written(cell: object) -> str:
        if not isinstance(cell, float | np.floating):
            return str(cell)
        value = float(cell)
        whole = value.is_integer() and abs(value) < 1e15
        return str(int(value)) if whole else repr(value).replace(".", decimal)

    if column.dtype.kind == "f" or column.dtype == object:
        return column.astype(object).map(written, na_action="ignore").astype("str")
    return column.astype("str")


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
