"""A raw table: rows as they were read, and its columns as numbers, dates and keys.

Each error names file, row, column and value. What was read otherwise than it stands there is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from restock.data.dates import ISO, Dates, counted_years, from_numbers, in_zone, read_dates
from restock.data.findings import SHOWN, Finding, Findings
from restock.data.numbers import NumberStyle, Texts, currencies, read_numbers
from restock.errors import DataError, nearest
from restock.settings.panel import TimestampColumn
from restock.types.panel import BoolArray, FloatArray, IntArray

FILE = "__file__"
MOST = 1e15  # no quantity and no amount of money is larger


def coded(values: pd.Series) -> tuple[IntArray, Texts]:
    """Return a code for each cell, -1 for an empty one, and the distinct values by their codes."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        numeric = values.dtype.kind in "iuf"
        found, distinct = pd.factorize(values if numeric else values.astype("str"))
        return found, np.asarray(distinct, dtype=object)
    codes: IntArray = values.cat.codes.to_numpy()
    texts = values.cat.categories.to_numpy(dtype=object)
    used = np.bincount(codes[codes >= 0], minlength=len(texts)) > 0
    if used.all():
        return codes, texts
    place = np.append(np.cumsum(used) - 1, -1)  # the last one is that of the code -1
    return place[codes], texts[used]


def uncoded(codes: IntArray, texts: Texts, index: pd.Index) -> pd.Series:
    """Return a column of text: categories in their order; equal texts are one."""
    place, names = pd.factorize(texts, sort=True)
    codes = np.append(place, -1)[codes]  # the last one is that of the code -1
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names, dtype="str")), index=index)


@dataclass(frozen=True)
class RawTable:
    """Rows of one or more files.

    Attributes:
        rows: The rows. A column of text, such as any of a CSV, is categorical. The column
            ``__file__`` is the name of the file that a row is from, and the index is its row in
            that file.
        style: How its numbers are written.
        findings: What was found in it; all tables that are made from it add to the same.
        masks: While a table is checked, the rows that each rule found. None: the first wrong cell
            is an error.
        tolerated: Rules that are not checked again.
    """

    rows: pd.DataFrame
    style: NumberStyle = field(default_factory=NumberStyle)
    findings: Findings = field(default_factory=Findings)
    masks: dict[str, BoolArray] | None = None
    tolerated: frozenset[str] = frozenset()

    @classmethod
    def of(cls, table: pd.DataFrame, name: str = "the table") -> RawTable:
        """Return the rows of a table in memory."""
        return cls(table.reset_index(drop=True).assign(**{FILE: name}))

    def with_rows(self, rows: pd.DataFrame) -> RawTable:
        """Return the same table with other rows."""
        return replace(self, rows=rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @property
    def columns(self) -> list[str]:
        """Names of the columns that the files have."""
        return [str(name) for name in self.rows.columns if name != FILE]

    def require(self, column: str) -> pd.Series:
        """Return a column.

        Raises:
            DataError: If there is no such column. The message names the file and similar columns.
        """
        if column not in self.rows.columns or column == FILE:
            file = self.rows[FILE].iloc[0] if len(self.rows) else "the table"
            raise DataError(f"{file}: no column {column!r}. {nearest(column, self.columns)}")
        return self.rows[column]

    def numbers(self, column: str) -> pd.Series:
        """Return a column as float64; empty cells and words such as ``NaN`` become NaN.

        Raises:
            DataError: If a cell holds text that is no number, or an infinite number.
        """
        raw = self.require(column)
        values = raw.astype("float64") if raw.dtype.kind in "biuf" else self._read(column, raw)
        huge = np.abs(values.to_numpy()) > MOST
        self.refuse("number", column, huge, f"a number of at most {MOST:g}")
        return values.mask(huge) if huge.any() else values

    def _read(self, column: str, raw: pd.Series) -> pd.Series:
        code, texts = coded(raw)
        numbers, unread, missing = read_numbers(texts, self.style)
        self._say_numbers(column, texts, numbers, missing, np.bincount(code[code >= 0]))
        unread = np.append(unread, False)  # the code -1 is an empty cell
        marked = any("." in text or "," in text for text in texts[unread[:-1]])
        self.refuse("number", column, unread[code], "a number", self._rule() if marked else "")
        return pd.Series(np.append(numbers, np.nan)[code], index=raw.index)

    def _say_numbers(
        self,
        column: str,
        texts: np.ndarray,
        numbers: FloatArray,
        missing: BoolArray,
        rows: IntArray,
    ) -> None:
        other = {".": ",", ",": "."}[self.style.decimal]
        grouped = np.array([other in text for text in texts], dtype=bool) & np.isfinite(numbers)
        for mask, what in ((grouped, "read as"), (missing, "taken as missing")):
            if mask.any():
                first = int(np.flatnonzero(mask)[0])
                value = f" {numbers[first]:.12g}" if mask is grouped else ""
                self.say(
                    f"{column} {what}",
                    f"column {column!r}: {int(rows[mask].sum())} cells such as {texts[first]!r} "
                    f"{what}{value}",
                )
        money = currencies(texts[np.isfinite(numbers)])
        if len(money) > 1:
            raise DataError(
                f"column {column!r} holds amounts in {' and '.join(sorted(money))}: expected one "
                "currency. Convert them first."
            )

    def _rule(self) -> str:
        return (
            f" Numbers of this table are read with the decimal mark {self.style.decimal!r}; set "
            "data.source.decimal or data.source.thousands if they are written otherwise."
        )

    def dates(self, column: TimestampColumn, *, within_days: bool = False) -> pd.Series:
        """Return the column of the rows' time as timestamps without a time zone.

        Times with an offset from UTC are converted to the zone of the settings. Without one, a
        day is the day that the clock showed where the time was written; for periods shorter than
        a day, times with different offsets are converted to UTC, so that no hour comes twice.

        Args:
            column: Its settings.
            within_days: Whether periods are shorter than a day.

        Raises:
            DataError: If a cell is empty or is not a date, or if days and months could be swapped.
        """
        raw = self.joined(column.columns)
        if raw.dtype.kind == "M":
            stamps = raw
            if raw.dt.tz is not None:
                own = None if within_days else str(raw.dt.tz)
                zone = column.timezone or own
                stamps = pd.Series(
                    in_zone(pd.DatetimeIndex(raw), zone, steady=within_days), index=raw.index
                )
            return self._all_dates(column, stamps, "a date")
        code, texts = coded(raw)
        digits = column.format is None and len(texts) and all(str(t).isdigit() for t in texts)
        if raw.dtype.kind in "iuf" or digits:
            values = texts.astype(float)
            numbered = from_numbers(values, column.format)
            if numbered is None:
                raise self._not_dates(column, values)
            texts = numbered
        if not len(texts):
            raise DataError(f"column {column.name!r} is empty: there are no dates.")
        found = read_dates(
            texts, column.format, column.timezone, column.name, within_days=within_days
        )
        self._say_dates(column, found, texts, within_days=within_days)
        stamps = pd.Series(found.stamps.append(pd.DatetimeIndex([pd.NaT]))[code], index=raw.index)
        return self._all_dates(column, stamps, f"a date ({found.pattern})")

    def _all_dates(self, column: TimestampColumn, stamps: pd.Series, expected: str) -> pd.Series:
        self.refuse("date", column.columns[0], stamps.isna().to_numpy(), expected)
        return stamps

    def _say_dates(
        self, column: TimestampColumn, found: Dates, texts: np.ndarray, *, within_days: bool
    ) -> None:
        if column.format is None and found.pattern != ISO:
            self.say(
                f"{column.name} format",
                f"column {column.name!r}: dates such as {texts[0]!r} read as {found.pattern}",
            )
        if found.zones > 1 and column.timezone is None:
            taken = "converted to UTC" if within_days else "taken as the clock that they show"
            self.say(
                f"{column.name} zone",
                f"column {column.name!r}: times with {found.zones} offsets from UTC are {taken}; "
                "data.columns.timestamp.timezone names the zone whose days count",
            )

    def _not_dates(self, column: TimestampColumn, values: FloatArray) -> DataError:
        file, jump = self.rows[FILE].iloc[0], counted_years(values)
        if jump:
            return DataError(f"{file}: column {column.name!r} holds {jump}")
        return DataError(
            f"{file}: column {column.name!r} holds numbers, expected dates. For integer periods, "
            "write timestamp: {column: ..., start: <date of period 0>}; for dates written as "
            "numbers, write their format, such as '%Y%m%d'."
        )

    def joined(self, columns: tuple[str, ...]) -> pd.Series:
        """Return a column; or several, as text, with a blank between them."""
        if len(columns) == 1:
            return self.require(columns[0])
        return joined([self.keys(column) for column in columns], " ")

    def keys(self, column: str) -> pd.Series:
        """Return a column as text; 1001.0 is the key 1001, where a spreadsheet left it so.

        Raises:
            DataError: If a cell is empty.
        """
        raw = self.require(column)
        whole = raw.dtype.kind == "f" and (raw.dropna() % 1 == 0).all()
        if whole and raw.abs().max() < MOST:
            raw = raw.astype("Int64")
        code, distinct = coded(raw)
        texts = pd.Series(distinct, dtype="str").str.normalize("NFC").str.strip()
        code = np.append(np.where(texts == "", -1, np.arange(len(texts))), -1)[code]
        self.refuse("key", column, code < 0, "a key")
        tailed = texts.str.fullmatch(r"\d+\.0")
        if tailed.any() and texts[~tailed].str.fullmatch(r"\d+").all():
            rows = int(np.append(tailed.to_numpy(), False)[code].sum())
            self.say(
                f"{column} keys",
                f"column {column!r}: {rows} keys such as {texts[tailed].iloc[0]!r} read as "
                f"{texts[tailed].iloc[0][:-2]!r}",
            )
            texts = texts.str.removesuffix(".0")
        self._say_alike(column, texts)
        return uncoded(code, texts.to_numpy(dtype=object), raw.index)

    def _say_alike(self, column: str, texts: pd.Series) -> None:
        """Say which keys differ by case or leading zeros alone: a file may write them otherwise."""
        texts = texts.drop_duplicates()
        alike = texts.str.casefold().str.lstrip("0")
        twin = alike.duplicated()
        if twin.any():
            other = texts[alike == alike[twin].iloc[0]].tolist()
            self.say(
                f"{column} alike",
                f"column {column!r}: {' and '.join(map(repr, other[:2]))} differ by case or "
                f"leading zeros alone, and are taken as two keys ({int(twin.sum())} such keys)",
            )

    def say(self, about: str, sentence: str) -> None:
        """Keep a sentence for the report; the first one about something stays."""
        self.findings.say(about, sentence)

    def refuse(
        self, rule: str, column: str, mask: BoolArray, expected: str, hint: str = ""
    ) -> None:
        """Refuse the cells of a column that break a rule; or note them, while a table is checked.

        Raises:
            DataError: If any cell breaks it, and the table is not being checked.
        """
        if not mask.any() or rule in self.tolerated:
            return
        says = self.wrong(column, mask, expected, hint)
        if self.masks is None:
            raise DataError(says)
        self.note(rule, column, mask, says)

    def note(self, rule: str, column: str, mask: BoolArray, says: str) -> None:
        """Keep what a rule found while a table is checked."""
        assert self.masks is not None
        positions = np.flatnonzero(mask)
        rows = tuple(self.where(int(position)) for position in positions[:SHOWN])
        found = Finding(rule, rows[0], column, len(positions), says, rows)
        self.findings.found.append(found)
        self.masks[rule] = self.masks.get(rule, np.zeros(len(self), dtype=bool)) | mask

    def where(self, position: int) -> str:
        """Say where a row came from."""
        return f"{self.rows[FILE].iloc[position]}: row {self.rows.index[position]}"

    def wrong(self, column: str, mask: BoolArray, expected: str, hint: str = "") -> str:
        """Say which cells of a column cannot be used; the first is shown."""
        positions = np.flatnonzero(mask)
        value = self.rows[column].iloc[positions[0]]
        shown = "is empty" if pd.isna(value) else f"holds {_short(value)}"
        others = f" ({len(positions) - 1} more like it)" if len(positions) > 1 else ""
        return (
            f"{self.where(int(positions[0]))}, column {column!r} {shown}, expected "
            f"{expected}{others}.{hint}"
        )


def _short(value: object, most: int = 60) -> str:
    shown = repr(value)
    return shown if len(shown) <= most else f"{shown[:most]}... ({len(shown)} characters)"


def joined(parts: list[pd.Series], sign: str) -> pd.Series:
    """Return columns of text as one, with a sign between them; empty where one of them is."""
    codes, names = coded(parts[0])
    for part in parts[1:]:
        own, texts = coded(part)
        pairs = codes.astype(np.int64) * max(len(texts), 1) + own
        place, distinct = pd.factorize(np.where((codes < 0) | (own < 0), -1, pairs))
        known = distinct >= 0
        first, second = np.divmod(distinct[known], max(len(texts), 1))
        names = names[first] + sign + texts[second]
        codes = np.append(np.where(known, np.cumsum(known) - 1, -1), -1)[place]
    return uncoded(codes, names, parts[0].index)
