"""Read tables from disk as one table. Each row keeps its file and its row in it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from restock.data.numbers import NumberStyle, style_of
from restock.data.raw import FILE, RawTable, coded
from restock.data.tables.find import TableFile, find_tables, is_table
from restock.data.tables.text import Dialect, fold, read_text
from restock.data.tables.typed import OLE, as_text, read_json_lines, read_parquet, read_sheet
from restock.data.tables.unpack import unpacked
from restock.data.tables.wide import Wide, periods_among, unpivoted
from restock.errors import DataError, nearest
from restock.settings.source import TableForm

MARKED = ("utf-8", "utf-8-sig", "utf-16", "utf-32")  # the file itself says so


@dataclass(frozen=True)
class _Part:
    """The table of one file."""

    name: str
    table: pd.DataFrame
    dialect: Dialect | None = None


def read_table(
    path: Path,
    form: TableForm = TableForm(),  # noqa: B008 (frozen)
    *,
    wanted: Collection[str] | None = None,
    numbers: Collection[str] = (),
    wide: Wide | None = None,
) -> RawTable:
    """Read the files at a path as one table.

    Cells of text files stay text. :class:`restock.data.raw.RawTable` reads them as numbers or dates
    by the role of their column.

    Args:
        path: A table file, packed or not, or a folder of them: CSV, TSV, Parquet, a workbook, JSON
            lines.
        form: How text files are written; what it does not say is found out.
        wanted: The columns that are used; the others are dropped. Each file must have all of them.
            None: all columns are used, so all files must have the same ones.
        numbers: The columns that are read as numbers. How they are written is settled by all of
            them.
        wide: How a table with a column for each period becomes a long one; None: it is long.

    Raises:
        DataError: If there is no table, or a file cannot be read, lacks a column, or is written
            otherwise than the others. The message names the file.
    """
    found = find_tables(path)
    raw = RawTable(pd.DataFrame())
    if found.note:
        raw.say("not read", found.note)
    seen: dict[tuple[bytes, Any], str] = {}
    parts = [part for file in found.tables for part in _read(file, form, wanted or (), raw, seen)]
    if not parts:
        raise DataError(f"{path}: it holds no table.")
    if wide is not None:
        parts = [_unpivoted(part, wide, raw) for part in parts]
    parts = [_with_columns(part, wanted) for part in parts]
    if wanted is None:
        _check_same_columns(parts)
    _say_dialects(parts, form, raw)
    style = _style(parts, numbers, form)
    if form.decimal is None and style.decimal == ",":
        raw.say("decimal", "numbers have a decimal comma; data.source.decimal says otherwise")
    return RawTable(_joined(parts, style.decimal), style, raw.findings)


def _read(
    file: TableFile,
    form: TableForm,
    wanted: Collection[str],
    raw: RawTable,
    seen: dict[tuple[bytes, Any], str],
) -> Iterator[_Part]:
    for name, content in unpacked(file.path, file.name):
        partition = tuple(file.partition.items())
        twin = seen.setdefault((hashlib.sha256(content).digest(), partition), name)
        if twin != name:
            raise DataError(f"{name} is the same file as {twin}. Remove one of them.")
        if name != file.name and not is_table(name):
            raw.say(name, f"not read, because it is no table: {name}")
            continue
        part = _one(name, content, form, wanted, raw)
        for key, value in file.partition.items():
            own = part.table.get(key)
            if own is not None and (own.astype(str) != value).any():
                raise DataError(
                    f"{name}: its folder says {key}={value}, but its column {key!r} has other "
                    "values. Rename one of them."
                )
            part.table[key] = value
        yield part


def _one(
    name: str, content: bytes, form: TableForm, wanted: Collection[str], raw: RawTable
) -> _Part:
    """Read one file. What it is, is seen from its first bytes."""
    if content.startswith(b"PAR1"):
        return _numbered(name, read_parquet(name, content), 1)
    if content.startswith((b"PK\x03\x04", OLE)):
        table, sheets = read_sheet(name, content, form.sheet)
        if len(sheets) > 1 and form.sheet is None:
            raw.say(name, f"{name}: read the sheet {sheets[0]!r}, not {', '.join(sheets[1:])}")
        return _numbered(name, table, 2)
    if name.lower().endswith((".parquet", ".xlsx", ".xls", ".xlsb", ".ods")):
        kind = name.rsplit(".", 1)[1]
        raise DataError(f"{name}: this is no {kind} file: it is half-written, or has a wrong name.")
    if content.lstrip()[:1] == b"{":
        return _numbered(name, read_json_lines(name, content), 1)
    text = read_text(name, content, form, wanted)
    table = text.table.to_pandas()
    table.index = pd.Index(text.lines)
    return _Part(name, table, text.dialect)


def _numbered(name: str, table: pd.DataFrame, first: int) -> _Part:
    if table.empty:
        raise DataError(f"{name}: the table has no rows.")
    table.index = pd.RangeIndex(first, first + len(table))
    table.columns = [str(column) for column in table.columns]
    return _Part(name, table)


def _unpivoted(part: _Part, wide: Wide, raw: RawTable) -> _Part:
    table, others = unpivoted(part.name, part.table, wide)
    if others:
        raw.say(f"{part.name} wide", f"{part.name}: columns not read: {', '.join(others)}")
    return replace(part, table=table)


def _with_columns(part: _Part, wanted: Collection[str] | None) -> _Part:
    """Keep the wanted columns, under the names that the settings use."""
    table, columns = part.table, list(part.table.columns)
    if wanted is None:
        return part
    by_fold: dict[str, list[str]] = {}
    for column in columns:
        by_fold.setdefault(fold(column), []).append(column)
    taken = {}
    for name in dict.fromkeys(wanted):
        alike = [name] if name in columns else by_fold.get(fold(name), [])
        if len(alike) > 1:
            raise DataError(f"{part.name}: columns {' and '.join(alike)} could both be {name!r}.")
        if not alike:
            raise DataError(
                f"{part.name}: no column {name!r}. {_hint_wide(columns)}{nearest(name, columns)}"
            )
        taken[alike[0]] = name
    return replace(part, table=table[list(taken)].rename(columns=taken))


def _hint_wide(columns: list[str]) -> str:
    periods = periods_among(columns, None)
    if 2 * len(periods) <= len(columns):
        return ""
    return (
        f"{len(periods)} column names are dates, such as {periods[0]!r}: "
        "data.columns.wide=true reads a table with a column for each period. "
    )


def _check_same_columns(parts: list[_Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        differ = set(first.table.columns) ^ set(part.table.columns)
        if differ:
            lacking = sorted(map(str, set(first.table.columns) - set(part.table.columns)))
            added = sorted(map(str, set(part.table.columns) - set(first.table.columns)))
            said = [f"lacks {', '.join(lacking)}"] if lacking else []
            said += [f"has {', '.join(added)} more"] if added else []
            raise DataError(
                f"{part.name} {' and '.join(said)} than {first.name}: all files of a "
                "folder must have the same columns."
            )


def _say_dialects(parts: list[_Part], form: TableForm, raw: RawTable) -> None:
    """Say how text files are written, where that was found out and is not the usual way."""
    by_dialect: dict[tuple[str, str], list[_Part]] = {}
    for part in parts:
        if part.dialect is not None:
            way = part.dialect.separator, part.dialect.encoding
            by_dialect.setdefault(way, []).append(part)
    for (separator, encoding), alike in by_dialect.items():
        name = alike[0].name + (f" and {len(alike) - 1} more" if len(alike) > 1 else "")
        said = []
        if form.separator is None and separator not in (",", "\t"):
            said.append(f"columns are separated by {separator!r}")
        if form.encoding is None and encoding not in MARKED:
            said.append(f"the encoding is {encoding}")
        guess = next((part.dialect.guess for part in alike if part.dialect), "")
        if guess:
            said[-1] = (
                f"it is not UTF-8 and is read as {encoding}, such as {guess[:60]!r}; "
                "data.source.encoding names another encoding"
            )
        above = max(part.dialect.above for part in alike if part.dialect)
        if above:
            said.append(f"{above} lines above the header are not read")
        if said:
            raw.say(f"{name} dialect", f"{name}: {' and '.join(said)}")


def _joined(parts: list[_Part], decimal: str) -> pd.DataFrame:
    """Put the rows below each other. A column of other types in other files becomes text."""
    kinds: dict[str, set[str]] = {}
    for part in parts:
        for column, values in part.table.items():
            if values.notna().any():
                kinds.setdefault(str(column), set()).add(_kind(values))
    mixed = [column for column, found in kinds.items() if len(found) > 1]
    tables = [
        part.table.assign(**{c: as_text(part.table[c], decimal) for c in mixed if c in part.table})
        for part in parts
    ]
    columns = list(dict.fromkeys(column for table in tables for column in table.columns))
    index = np.concatenate([table.index for table in tables])
    rows = pd.DataFrame({column: _stacked(tables, column, decimal) for column in columns})
    rows.index = pd.Index(index)
    codes = np.repeat(np.arange(len(parts)), [len(table) for table in tables])
    rows[FILE] = pd.Categorical.from_codes(codes, pd.Index([part.name for part in parts]))
    return rows


def _stacked(tables: list[pd.DataFrame], column: str, decimal: str) -> Any:
    """Return the values of a column from all tables; text as codes."""
    values = [
        table[column] if column in table else pd.Series([None] * len(table), dtype="category")
        for table in tables
    ]
    if all(_kind(value) != "text" for value in values):
        return pd.concat(values, ignore_index=True).array
    texts = [
        value if hasattr(value, "cat") else as_text(value, decimal).astype("category")
        for value in values
    ]
    return texts[0].array if len(texts) == 1 else union_categoricals([t.array for t in texts])


def _kind(values: pd.Series) -> str:
    kind = values.dtype.kind
    return "number" if kind in "biuf" else "date" if kind == "M" else "text"


def _style(parts: list[_Part], numbers: Collection[str], form: TableForm) -> NumberStyle:
    texts = {
        f"{part.name}: column {column!r}": distinct
        for part in parts
        for column, distinct in _distinct(part.table, numbers)
    }
    separators = {part.dialect.separator for part in parts if part.dialect}
    return style_of(
        texts,
        decimal=form.decimal,
        thousands=form.thousands,
        separator="," if separators == {","} else ";",
    )


def _distinct(table: pd.DataFrame, columns: Iterable[str]) -> Iterator[tuple[str, np.ndarray]]:
    for column in columns:
        if column in table and _kind(table[column]) == "text":
            values = table[column]
            if values.dtype == object:  # numbers of a workbook are no evidence of how it writes
                values = values[values.map(lambda cell: isinstance(cell, str))]
            yield column, coded(values)[1]
