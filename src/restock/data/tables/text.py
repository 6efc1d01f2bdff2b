"""Read CSV and its kin: find out how the file is written, and read every cell as text."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from restock.errors import ConfigError, DataError, nearest
from restock.settings.source import TableForm
from restock.types.panel import IntArray

csv.field_size_limit(2**31 - 1)  # a cell may be long
SEPARATORS = (",", ";", "\t", "|")
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OLD = "cp1252"  # what spreadsheets in Western Europe and America write
HEAD = 2**16
MOST_ABOVE = 20  # lines above a header, such as the title of a report
KNOWN = ("utf-8", "utf-16", "latin-1", "cp1252", "cp1250", "cp1251", "cp437", "cp850", "shift_jis",
         "gb18030", "iso-8859-15", "ascii")  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    Attributes:
        encoding: Name of the encoding.
        separator: The character between two columns.
        guess: A text that an encoding was guessed for; empty if it was not guessed.
        above: Lines above the header.
    """

    encoding: str
    separator: str
    guess: str = ""
    above: int = 0


@dataclass(frozen=True)
class TextTable:
    """A text table: its cells as text, and the line that each row ends in."""

    table: pa.Table
    lines: IntArray
    dialect: Dialect


def read_text(name: str, content: bytes, form: TableForm, wanted: Collection[str]) -> TextTable:
    """Read a text table.

    Args:
        name: Name of the file, for errors.
        content: Its bytes.
        form: What the settings say of how it is written.
        wanted: Columns that the settings name: where they stand in the header, the separator is
            right.

    Raises:
        DataError: If a row has more or fewer cells than the header, or the text cannot be decoded.
        ConfigError: If the encoding is not known.
    """
    content, encoding, guess = _as_utf8(name, content, form.encoding)
    at = content.find(b"\0")
    if at >= 0:
        line = content.count(b"\n", 0, at) + 1
        raise DataError(
            f"{name}: row {line} holds a NUL byte: the file is half-written or no text table. "
            "Write it again; source.encoding names its encoding if it is another one."
        )
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    separator = form.separator or _separator(content, wanted)
    above = _above_header(content, separator, wanted)
    content = content[above.size :]
    header = next(csv.reader(io.StringIO(_head(content)), delimiter=separator), [])
    if not header:
        raise DataError(f"{name}: the file has no header.")
    names = _names(name, header, content, separator, wanted)
    table = _parsed(name, content, separator, names)
    if not table.num_rows:
        raise DataError(f"{name}: the table has no rows.")
    lines = _lines(name, content, separator, table.num_rows, len(names)) + above.lines
    return TextTable(table, lines, Dialect(encoding, separator, guess, above.lines))


def _as_utf8(name: str, content: bytes, encoding: str | None) -> tuple[bytes, str, str]:
    """Return the content as UTF-8 without a mark; the encoding; and a text if it is a guess."""
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ConfigError(
                f"data.source.encoding: unknown encoding {encoding!r}. {nearest(encoding, KNOWN)}"
            ) from None
        return _decoded(name, content, encoding), encoding, ""
    for mark, found in BOMS:
        if content.startswith(mark):
            return _decoded(name, content, found), found, ""
    zeros = content[:HEAD].count(0)
    if zeros > len(content[:HEAD]) / 3:  # every other byte of Latin letters
        found = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
        return _decoded(name, content, found), found, ""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        decoded = _decoded(name, content, OLD)
        line = content[content.rfind(b"\n", 0, error.start) + 1 :].split(b"\n", 1)[0]
        return decoded, OLD, line.decode(OLD, errors="replace").strip()
    return content, "utf-8", ""


def _decoded(name: str, content: bytes, encoding: str) -> bytes:
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8") and content[:3] != codecs.BOM_UTF8:
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _undecodable(name, content, encoding, error) from None
        return content
    try:
        return content.decode(encoding).removeprefix("\ufeff").encode("utf-8")
    except UnicodeDecodeError as error:
        raise _undecodable(name, content, encoding, error) from None


def _undecodable(name: str, content: bytes, encoding: str, error: UnicodeDecodeError) -> DataError:
    line = content.count(b"\n", 0, error.start) + 1
    return DataError(
        f"{name}: row {line} cannot be read as {encoding} (byte 0x{content[error.start]:02x}). "
        "Set data.source.encoding to the encoding of the file, such as cp1252."
    )


def _head(content: bytes) -> str:
    return content[:HEAD].decode("utf-8", errors="ignore")


def _separator(content: bytes, wanted: Collection[str]) -> str:
    """Find out the separator: with the right one, a first row has the wanted columns.

    If no separator gives them all, the error about the missing column comes later; then the one
    is taken with which most rows have the same number of cells.
    """
    rows = {sign: _first_rows(content, sign) for sign in SEPARATORS}
    named = {
        sign: max(
            len({fold(cell) for cell in row} & {fold(column) for column in wanted})
            for row in cells[:MOST_ABOVE]
        )
        for sign, cells in rows.items()
        if cells
    }
    even = {sign: _evenness(cells) for sign, cells in rows.items() if cells}
    return max(named, key=lambda sign: (named[sign], even[sign]), default=",")


@dataclass(frozen=True)
class _Above:
    """What stands above the header: bytes and lines."""

    size: int = 0
    lines: int = 0


def _above_header(content: bytes, separator: str, wanted: Collection[str]) -> _Above:
    """Find a title above the header: the first row with all wanted columns is the header."""
    names, size = {fold(column) for column in wanted}, 0
    for number, line in enumerate(content[:HEAD].split(b"\n")[:MOST_ABOVE]):
        cells = next(csv.reader([line.decode("utf-8", errors="ignore")], delimiter=separator), [])
        if names and names <= {fold(cell) for cell in cells}:
            return _Above(size, number)
        size += len(line) + 1
    return _Above()


def _first_rows(content: bytes, separator: str, most: int = 50) -> list[list[str]]:
    reader = csv.reader(io.StringIO(_head(content)), delimiter=separator)
    try:
        return [row for row, _ in zip(reader, range(most), strict=False) if row]
    except csv.Error:
        return []


def _evenness(rows: list[list[str]]) -> tuple[int, int]:
    """Return how many rows have the most frequent number of cells, if it is above 1; and it."""
    cells, count = Counter(map(len, rows)).most_common(1)[0]
    return (count, cells) if cells > 1 else (0, 0)


def fold(name: str) -> str:
    """Return a column's name as it is compared: without case and outer blanks."""
    return name.strip().casefold()


def _names(
    file: str, header: list[str], content: bytes, separator: str, wanted: Collection[str]
) -> list[str]:
    """Return the names of the columns; one more if data rows end in a separator."""
    names = [cell.strip() for cell in header]
    twice = [name for name in wanted if [fold(cell) for cell in names].count(fold(name)) > 1]
    if twice:
        raise DataError(f"{file}: two columns are called {twice[0]!r}. Rename or remove one.")
    rows = _first_rows(content, separator)[1:]
    if rows and all(len(row) == len(names) + 1 and not row[-1] for row in rows):
        names.append("")
    seen: Counter[str] = Counter()
    for position, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1 or not name:
            names[position] = f"{name or 'unnamed'} ({position + 1})"
    return names


def _parsed(name: str, content: bytes, separator: str, names: list[str]) -> pa.Table:
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                column_names=names, skip_rows=1, block_size=max(2**22, len(content) // 64 + 2**16)
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values=b'"' in content
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.dictionary(pa.int32(), pa.string())),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        raise _ragged(name, content, separator, len(names)) or DataError(
            f"{name}: cannot be read as a table ({error}). Check data.source.separator."
        ) from error


def _ragged(name: str, content: bytes, separator: str, width: int) -> DataError | None:
    """Return the error about the first row with another number of cells than the header."""
    reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), delimiter=separator)
    wrong = [(reader.line_num, len(row)) for row in reader if row and len(row) != width]
    if not wrong:
        return None
    others = f" ({len(wrong) - 1} more like it)" if len(wrong) > 1 else ""
    return DataError(
        f"{name}: row {wrong[0][0]} has {wrong[0][1]} cells, expected {width} as in the header"
        f"{others}. Columns are separated by {separator!r}; data.source.separator says so if it "
        "is another one. A cell that holds it must stand in double quotes."
    )


def _lines(name: str, content: bytes, separator: str, num_rows: int, width: int) -> IntArray:
    """Return the line that each row ends in, as an editor counts: the header is line 1.

    Raises:
        DataError: If a double quote is left open, so that a cell swallows rows.
    """
    ends = content.count(b"\n") + (not content.endswith(b"\n"))
    if ends == num_rows + 1:
        return np.arange(2, num_rows + 2)
    text = io.StringIO(content.decode("utf-8"), newline="")
    reader = csv.reader(text, delimiter=separator, strict=True)
    lines: list[int] = []
    try:
        for row in reader:
            if row:
                lines.append(reader.line_num)
            inner = [line for cell in row if "\n" in cell for line in cell.splitlines()]
            if any(line.count(separator) >= width - 1 > 0 for line in inner):
                raise csv.Error("a cell holds whole rows")
    except csv.Error as error:
        raise DataError(
            f"{name}: row {reader.line_num}: a double quote is left open or stands within a cell "
            f"({error}). Write a quote within a cell twice, and the cell in quotes."
        ) from None
    return np.array(lines[1:])
