"""The lengths of a period that a panel may have, and what follows from them."""

from __future__ import annotations

from typing import Literal, get_args

MINUTES = ("5min", "10min", "15min", "30min")
Weekday = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


def kind(frequency: str) -> str:
    """Return the unit of a period: ``min``, ``h``, ``B``, ``D``, ``W``, ``M``, ``Q``, ``Y``."""
    return "min" if frequency in MINUTES else frequency[:1]


def periods_per_day(frequency: str) -> int:
    """Return the number of periods of a day; 1 for days and longer periods."""
    if frequency in MINUTES:
        return 24 * 60 // int(frequency.removesuffix("min"))
    return 24 if frequency == "h" else 1
