"""Numbers written as text: how a table writes them, and their values.

Only distinct texts are looked at, so that a column of a million rows costs little more than its
different values. Nothing is guessed in silence: what the text itself does not settle is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from restock.errors import DataError
from restock.types.panel import BoolArray, FloatArray

Texts = NDArray[np.object_]

MISSING = frozenset({"nan", "na", "n/a", "#n/a", "null", "none", "<na>"})
YES = frozenset({"true", "yes", "y", "t", "on"})
NO = frozenset({"false", "no", "n", "f", "off"})
# Marks that only ever group digits. The point and the comma may do both.
GROUPING = "'\u2019_ \u00a0\u202f\u2009"
ENOUGH = 50_000  # texts that show how a column is written
CODES = frozenset(
    "AUD BRL CAD CHF CNY CZK DKK EUR GBP HUF INR JPY NOK NZD PLN SEK USD".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class NumberStyle:
    """How numbers are written.

    Attributes:
        decimal: The decimal mark.
        thousands: The mark between groups of three digits; the other one of point and comma if
            the settings do not say it.
    """

    decimal: str = "."
    thousands: str = ","


@dataclass(frozen=True)
class Evidence:
    """What the texts of one column say about the decimal mark.

    Attributes:
        settled: By decimal mark, a text that can only be read with it; empty if there is none.
        open: By mark, a text that has two meanings, such as ``3.150``; empty if there is none.
        grouped: Whether the numbers look like whole ones with groups: short ones have no mark,
            long ones all have one, and the last group sometimes ends in 0.
    """

    settled: Mapping[str, str]
    open: Mapping[str, str] = field(default_factory=dict)
    grouped: bool = False


def evidence_of(texts: Texts) -> Evidence:
    """Look at the distinct texts of a column; of very many, at some that are spread evenly."""
    texts = texts[:: len(texts) // ENOUGH + 1]
    bare = pd.Series([_bare(text) for text in texts if _is_marked(text)], dtype="str")
    if bare.empty:
        return Evidence({})
    settled: dict[str, str] = {}
    for decimal, other in ((".", ","), (",", ".")):
        d, o = re.escape(decimal), re.escape(other)
        only = (
            rf"\d{{1,3}}(?:{o}\d{{3}})+{d}\d*"  # 1,234.5
            rf"|\d{{1,3}}(?:{o}\d{{3}}){{2,}}"  # 1,234,567
            rf"|\d*{d}(?:\d{{0,2}}|\d{{4,}})(?:e[+-]?\d+)?"  # 1.5
            rf"|(?:0|\d{{4,}})?{d}\d+(?:e[+-]?\d+)?"  # 0.125 and 1234.567
        )
        found = bare[bare.str.fullmatch(only, case=False)]
        if len(found):
            settled[decimal] = str(found.iloc[0])
    both = bare[bare.str.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}")]
    unsettled = {str(text)[-4]: str(text) for text in both[::-1]}
    plain = [text for text in map(str.strip, texts) if text.isdigit()]
    grouped = (
        any(len(text) <= 3 for text in plain)
        and all(len(text) <= 3 for text in plain)
        and bool(both.str.endswith("0").any())
    )
    return Evidence(settled, unsettled, grouped)


def style_of(
    columns: Mapping[str, Texts], *, decimal: str | None, thousands: str | None, separator: str
) -> NumberStyle:
    """Settle how the numbers of a table are written, by the texts of all its number columns.

    Args:
        columns: The distinct texts of each column of numbers, by what an error calls it.
        decimal: The decimal mark from the settings; None: it is found out.
        thousands: The mark between groups from the settings; None: it is found out.
        separator: What separates the columns of the table.

    Raises:
        DataError: If the texts contradict each other, or do not settle it. The message names two
            examples and the setting.
    """
    if decimal is None:
        decimal = _decimal(columns, thousands, separator)
    if thousands is None:
        thousands = "," if decimal == "." else "."
    return NumberStyle(decimal, thousands)


def _decimal(columns: Mapping[str, Texts], thousands: str | None, separator: str) -> str:
    if thousands in (".", ","):
        return "," if thousands == "." else "."
    found = {name: evidence_of(texts) for name, texts in columns.items()}
    settled = {
        mark: (name, example)
        for name, evidence in found.items()
        for mark, example in evidence.settled.items()
    }
    if len(settled) == 2:
        point, comma = settled["."], settled[","]
        raise DataError(
            f"{point[0]} holds {point[1]!r}, and {comma[0]} holds {comma[1]!r}: both the point and "
            "the comma would be the decimal mark. Say which it is: data.source.decimal='.' or ','."
        )
    if settled:
        return next(iter(settled))
    for name, evidence in found.items():
        for mark, text in evidence.open.items():
            # A table with commas between its columns writes decimals with a point.
            others = any("," in other.open for other in found.values())
            if mark == "." and separator == "," and not evidence.grouped and not others:
                continue
            whole, part = text.replace(mark, ""), text.replace(mark, ".")
            raise DataError(
                f"{name} holds {text!r}: is it {whole} or {part}? Nothing in the table settles it. "
                f"Set data.source.thousands='{mark}' or data.source.decimal='{mark}'."
            )
    return "."


def read_numbers(texts: Texts, style: NumberStyle) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Read distinct texts as numbers.

    Returns:
        The values; which texts could not be read; and which are words for a missing value, such
        as ``NaN``. Each has the shape of ``texts``. What was not read is NaN.
    """
    text = pd.Series(texts, dtype="str").str.strip()
    values = _plain(text, style)
    rest = np.flatnonzero(np.isnan(values))
    words = [str(text.iloc[position]).lower() for position in rest]
    missing = np.zeros(len(texts), dtype=bool)
    missing[rest] = [word in MISSING for word in words]
    if words and all(word in YES | NO | MISSING for word in words) and _flags(values):
        values[rest] = [1.0 if w in YES else 0.0 if w in NO else np.nan for w in words]
        rest = np.flatnonzero(np.isnan(values))
    for position in rest:
        if not missing[position]:
            values[position] = _odd(str(text.iloc[position]), style)
    return values, np.isnan(values) & ~missing, missing


def currencies(texts: Iterable[str]) -> set[str]:
    """Return the signs and codes of currencies in number texts."""
    # A currency stands before or behind the digits: most numbers need no closer look.
    odd = [text for text in map(str.strip, texts) if not (text[0] + text[-1]).isdigit()]
    parts = {part for text in odd for part in re.findall(r"[^\W\d_]+|\S", text)}
    return {part for part in parts if _is_money(part)}


def _plain(text: pd.Series, style: NumberStyle) -> FloatArray:
    """Read what is digits, marks and a sign; NaN for the rest."""
    d, t = re.escape(style.decimal), re.escape(style.thousands)
    marks = text.str.contains(r"[.,]") if style.decimal == "," else None
    if marks is not None and marks.any():
        fits = (
            text.str.fullmatch(
                rf"[+-]?(?:\d+|\d{{1,3}}(?:{t}\d{{3}})+)?(?:{d}\d*)?(?:e[+-]?\d+)?", case=False
            )
            if style.thousands
            else ~text.str.contains(".", regex=False)
        )
        read = text.str.replace(style.thousands, "", regex=False) if style.thousands else text
        text = text.where(~marks, read.str.replace(",", ".", regex=False).where(fits, "?"))
    # pandas reads words such as "inf", which are no quantities.
    digits = text.str.contains(r"\d")
    return pd.to_numeric(text.where(digits, "?"), errors="coerce").to_numpy(np.float64, copy=True)


def _flags(values: FloatArray) -> bool:
    """Say whether all numbers that were read are 0 or 1."""
    known = values[np.isfinite(values)]
    return bool(np.isin(known, (0.0, 1.0)).all())


def _is_marked(text: str) -> bool:
    """Say whether a text is a number with a mark: names and codes are no evidence."""
    if "." not in text and "," not in text:
        return False
    words = re.findall(r"[^\W\d_]+", text)
    return all(word.upper() in CODES or word in "eE" for word in words)


def _bare(text: str) -> str:
    """Return the digits and marks of a number: without sign, currency and blank groups."""
    return re.sub(rf"[{GROUPING}]|^[^\d.,]+|[^\d.,]+$", "", text.strip())


def _odd(text: str, style: NumberStyle) -> float:
    """Read a number with groups, a currency, brackets or a sign behind it; NaN if it is none."""
    negative = False
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
        if not text[:1].isdigit() and not _is_money(text[:1]):
            return np.nan
    parts = re.fullmatch(r"(?P<before>\D*?)(?P<number>[.,]?\d.*?)(?P<after>[^\d.,]*)", text)
    if parts is None:
        return np.nan
    around = (parts["before"] + parts["after"]).strip()
    signs = [sign for sign in around if sign in "+-\u2212"]
    around = re.sub(r"[+\-\u2212\s\u00a0\u202f]", "", around)
    if len(signs) > 1 or (around and not _is_money(around)):
        return np.nan
    negative ^= bool(signs) and signs[0] != "+"
    value = _grouped(parts["number"], style)
    return -value if negative else value


def _grouped(text: str, style: NumberStyle) -> float:
    whole, mark, part = text.partition(style.decimal)
    for group in (style.thousands, *GROUPING):
        if group and group in whole:
            groups = whole.split(group)
            if not all(len(digits) == 3 for digits in groups[1:]) or not 1 <= len(groups[0]) <= 3:
                return np.nan
            whole = "".join(groups)
    if not (whole + part).isdecimal() or not (whole + part).isascii():
        return np.nan
    return float(f"{whole or 0}.{part or 0}" if mark else whole)


def _is_money(text: str) -> bool:
    return text.upper() in CODES or (len(text) == 1 and unicodedata.category(text) == "Sc")
