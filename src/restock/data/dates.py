"""Dates written as text or as numbers: how a table writes them, and their timestamps.

As with numbers, only distinct values are read. A way of writing is taken only if it alone fits all
values; the caller says which one it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from restock.data.numbers import Texts
from restock.errors import ConfigError, DataError

ISO = "ISO8601"
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
# In pairs: a day and a month that could be swapped.
DAYS = tuple(
    f"{first}{sign}{second}{sign}{year}"
    for sign in "./-"
    for first, second in (("%d", "%m"), ("%m", "%d"))
    for year in ("%Y", "%y")
) + tuple(f"%y{sign}%m{sign}%d" for sign in "/-")
NAMED = (
    "%b %Y", "%B %Y", "%Y %b", "%Y %B", "%b-%y", "%b-%Y", "%B-%Y", "%d %b %Y", "%d %B %Y",
    "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%Y-%b", "%Y-%b-%d",
)  # fmt: skip
MONTHS = ("%m/%Y", "%m.%Y", "%m-%Y", "%Y/%m", "%Y.%m", "%Y/%m/%d", "%Y.%m.%d")
OFFSET = r"[Tt\s]\d{2}(?::?\d{2}){0,2}(?:\.\d+)?\s*(Z|[+-]\d{2}(?::?\d{2})?)$"
ZONE = r"\s*(Z|[+-]\d{2}(?::?\d{2})?)$"
ISO_WEEK = re.compile(r"(\d{4})-?\s?[Ww](\d{1,2})(?:-?([1-7]))?")
QUARTER = re.compile(
    r"(?P<year>\d{4})[-\s/]?[Qq](?P<quarter>[1-4])"
    r"|[Qq](?P<quarter2>[1-4])[-\s/]?(?P<year2>\d{4})"
)
WEEK_PARTS = {"%G": r"(?P<G>\d{4})", "%g": r"(?P<g>\d{2})", "%V": r"(?P<V>\d{1,2})",
              "%u": r"(?P<u>[1-7])"}  # fmt: skip
SOME = 50  # values that show how dates are written
WEEKS = "%G-W%V"
QUARTERS = "%Y-Q%q"


@dataclass(frozen=True)
class Dates:
    """Distinct values read as dates.

    Attributes:
        stamps: Without a time zone; NaT for what could not be read.
        pattern: How they are written.
        zones: Number of different offsets from UTC; 0 if the values have none.
    """

    stamps: pd.DatetimeIndex
    pattern: str
    zones: int = 0


def read_dates(
    texts: Texts, pattern: str | None, zone: str | None, column: str, *, within_days: bool = False
) -> Dates:
    """Read distinct texts as dates.

    Args:
        texts: The texts.
        pattern: How they are written: ``ISO8601`` or a pattern of strptime, in which ``%G``,
            ``%g`` and ``%V`` are the year, in four or two digits, and the week of ISO 8601; None:
            it is found out.
        zone: The zone that times with an offset are converted to. None: they are what the clock
            showed; but UTC if periods are shorter than a day and the offsets differ.
        column: Name of the column, for errors.
        within_days: Whether periods are shorter than a day. Then a zone has no summer time, so
            that no hour comes twice or never.

    Raises:
        DataError: If days and months could be swapped.
        ConfigError: If the pattern or the zone is none.
    """
    if pattern is not None:
        return _read(texts, pattern, zone, within_days)
    iso = _read(texts, ISO, zone, within_days)
    if not iso.stamps.isna().any():
        return iso
    others = (WEEKS, QUARTERS, *_candidates(texts))
    found = [iso, *(_read(texts, name, zone, within_days) for name in others)]
    fitting = [dates for dates in found if not dates.stamps.isna().any()]
    for other in fitting[1:]:
        if not other.stamps.equals(fitting[0].stamps):
            raise DataError(
                f"column {column!r} holds {texts[0]!r}: is it written as {fitting[0].pattern} or "
                f"as {other.pattern}? All values fit both. Set data.columns.timestamp.format."
            )
    return (
        fitting[0] if fitting else max(found, key=lambda dates: int(np.sum(dates.stamps.notna())))
    )


def from_numbers(values: NDArray[np.floating], pattern: str | None) -> Texts | None:
    """Return whole numbers as the texts of dates: 20240131, 202401 or 2024; None if they are none.

    With a pattern all whole numbers are: each digit counts, and %Y%m reads 202401.
    """
    if not np.isfinite(values).all() or (values % 1 != 0).any():
        return None
    whole = values.astype(np.int64)
    if pattern is not None:
        width = len(date(2021, 11, 22).strftime(pattern))
        return np.array([str(value).zfill(width) for value in whole], dtype=object)
    days, months = whole // 100 % 100, whole % 100
    if ((whole > 18_000_000) & (whole < 25_000_000)).all() and days.min() > 0 and days.max() < 13:
        return whole.astype(str).astype(object)
    if ((whole > 1800) & (whole < 2500)).all():
        return whole.astype(str).astype(object)
    if ((whole > 180_000) & (whole < 250_000)).all() and months.min() > 0 and months.max() < 13:
        return np.array([f"{value // 100}-{value % 100:02d}" for value in whole], dtype=object)
    return None


def counted_years(values: NDArray[np.floating]) -> str:
    """Say what numbers are that jump where a year ends, such as 11152 and 11201, and what to do.

    Returns an empty text if they do not.

    Numbers that count on reach every remainder of 100; years of 12 months or of 52 or 53 weeks
    skip the high ones.
    """
    whole = np.unique(values[np.isfinite(values)]).astype(np.int64)
    years, within = whole // 100, whole % 100
    if len(np.unique(years)) < 2 or len(whole) < 8 or within.min() < 1 or within.max() > 53:
        return ""
    step = np.flatnonzero(np.diff(years))[0]
    kind, sign = ("month", "%m") if within.max() <= 12 else ("week", "%V")
    digits = str(whole[step])
    year = {"%m": "%y", "%V": "%g"}[sign]
    if len(digits) >= 6:
        year = {"%m": "%Y", "%V": "%G"}[sign]
    pattern = digits[: max(len(digits) - 4, 0) % 2] + year + sign
    return (
        f"a year and its {kind} in one number ({digits} is followed by {whole[step + 1]}). Say how "
        f"it is written, without `start`: timestamp: {{column: ..., format: '{pattern}'}}"
        + (" (%V is the week of ISO 8601)." if kind == "week" else ".")
    )


def _candidates(texts: Texts) -> list[str]:
    """Return the patterns that any of some values fits."""
    clocked = [day + clock for day in (*DAYS, *MONTHS, *NAMED) for clock in CLOCKS]
    some = pd.Series([str(text).strip() for text in texts[:: len(texts) // SOME + 1]])
    return [p for p in clocked if pd.to_datetime(some, format=p, errors="coerce").notna().any()]


def _read(texts: Texts, pattern: str, zone: str | None, within_days: bool) -> Dates:
    text = pd.Series(texts, dtype="str").str.strip()
    if pattern == QUARTERS:
        return Dates(pd.DatetimeIndex([_quarter(one) for one in text]), pattern)
    if any(part in pattern for part in ("%G", "%g", "%V")):
        parts = ISO_WEEK if pattern == WEEKS else _week_pattern(pattern)
        return Dates(pd.DatetimeIndex([_week(one, parts) for one in text]), pattern)
    ends = OFFSET if pattern == ISO else ZONE if pattern.endswith("%z") else None
    offsets = text.str.extract(ends, expand=False) if ends else text.where(text.isna())
    zones = offsets.nunique()
    try:
        if zones:
            shown = zone is None and (zones == 1 or not within_days)
            read = _shown(text, pattern) if shown else _converted(text, pattern, zone, within_days)
            return Dates(_only(read, offsets.notna()), pattern, zones)
        stamps = pd.DatetimeIndex(pd.to_datetime(text, errors="coerce", format=pattern))
        if pattern == ISO:
            stamps = _only(stamps, _usual(text))
    except ValueError as error:
        raise ConfigError(
            f"data.columns.timestamp.format: {pattern!r} is no pattern of strptime ({error})."
        ) from None
    return Dates(stamps.tz_localize(None), pattern)


def _only(stamps: pd.DatetimeIndex, mask: pd.Series | NDArray[np.bool_]) -> pd.DatetimeIndex:
    """Return stamps with NaT where a mask is false."""
    return pd.DatetimeIndex(stamps.to_series().where(np.asarray(mask), pd.NaT))


def _usual(text: pd.Series) -> NDArray[np.bool_]:
    """Return which texts are as precise as most: a year among days is no day."""
    shape = text.str.fullmatch(r"\d{4}") + 2 * text.str.fullmatch(r"\d{4}-?\d{2}").astype(int)
    return np.asarray(shape == shape.mode().iloc[0], dtype=bool)


def _shown(text: pd.Series, pattern: str) -> pd.DatetimeIndex:
    """Return what the clock showed, without its offset."""
    bare = text.str.replace(ZONE, "", regex=True)
    return pd.DatetimeIndex(
        pd.to_datetime(bare, errors="coerce", format=pattern.removesuffix("%z").rstrip())
    )


def _converted(
    text: pd.Series, pattern: str, zone: str | None, within_days: bool
) -> pd.DatetimeIndex:
    stamps = pd.DatetimeIndex(pd.to_datetime(text, errors="coerce", format=pattern, utc=True))
    return in_zone(stamps, zone, steady=within_days)


def in_zone(stamps: pd.DatetimeIndex, zone: str | None, *, steady: bool) -> pd.DatetimeIndex:
    """Return stamps as the clock of another zone shows them.

    Args:
        stamps: With a time zone.
        zone: The zone; None: UTC.
        steady: Whether its clock keeps standard time all year.

    Raises:
        ConfigError: If the zone is not known.
    """
    try:
        local = stamps.tz_convert(zone or "UTC")
    except (KeyError, ValueError):
        raise ConfigError(
            f"data.columns.timestamp.timezone: unknown zone {zone!r}; expected a name such as "
            "Europe/Berlin."
        ) from None
    if not steady or local.isna().all():
        return local.tz_localize(None)
    year = local.min().year
    seasons = pd.DatetimeIndex([f"{year}-01-01", f"{year}-07-01"], tz="UTC")
    standard = (seasons.tz_convert(local.tz).tz_localize(None) - seasons.tz_localize(None)).min()
    return stamps.tz_convert("UTC").tz_localize(None) + standard


def _week_pattern(pattern: str) -> re.Pattern[str]:
    expression = re.escape(pattern)
    for part, group in WEEK_PARTS.items():
        expression = expression.replace(re.escape(part), group)
    return re.compile(expression)


def _week(text: str, parts: re.Pattern[str]) -> date | None:
    """Return the Monday of a week of ISO 8601, or the day that is named."""
    found = parts.fullmatch(text)
    if found is None:
        return None
    if parts is ISO_WEEK:
        year, week, day = int(found[1]), int(found[2]), int(found[3] or 1)
    else:
        named = found.groupdict()
        short = 2000 + int(named["g"]) if named.get("g") else 0
        year = int(named.get("G") or short)
        week, day = int(named.get("V") or 1), int(named.get("u") or 1)
    try:
        return date.fromisocalendar(year, week, day)
    except ValueError:  # a year without week 53
        return None


def _quarter(text: str) -> date | None:
    found = QUARTER.fullmatch(text)
    if found is None:
        return None
    year = found["year"] or found["year2"]
    quarter = found["quarter"] or found["quarter2"]
    return date(int(year), 3 * int(quarter) - 2, 1)
