"""Settings of a panel: the roles of a raw table's columns, and how its rows become demand."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from restock.settings.base import Floats, Frozen, Names, as_tuple
from restock.settings.frequency import Weekday


class TimestampColumn(Frozen):
    """The column with the time of a row: a date, or an integer period counted from ``start``."""

    column: Names
    """Name of the column; or of several, such as ``[year, week]``, which are read as one text with
    blanks between them.
    """

    start: str | None = None
    """Date of period 0, if the column counts periods; null: the column holds dates."""

    format: str | None = None
    """How dates are written: ``ISO8601``, or a pattern of strptime such as ``%d.%m.%Y``, with
    ``%G`` (or ``%g``, two digits) and ``%V`` for year and week of ISO 8601; null: it is found out,
    and said if it is not ISO 8601.
    """

    timezone: str | None = None
    """The zone whose days and hours count, such as ``Europe/Berlin``, for times with an offset from
    UTC; null: the clock as it is written, or UTC if the offsets differ.
    """

    day_starts_at: Annotated[int, Field(ge=0, le=23)] = 0
    """The hour at which a day begins, for days and longer periods: with 6, what is sold at three
    in the morning counts for the day before.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the table."""
        return self.column

    @property
    def name(self) -> str:
        """What an error calls the column."""
        return " ".join(self.column)


class DemandColumn(Frozen):
    """The column with the demand, and how to turn its stored numbers into units."""

    column: str
    """Name of the column."""

    transform: Literal["none", "exp"] = "none"
    """Transform from the stored numbers to units: ``exp`` if they are natural logarithms."""


class DerivedColumn(Frozen):
    """A static column made from the first periods of each series, so that it knows no future."""

    column: str
    """The column of the raw table that it is made from."""

    how: Literal["first", "mode", "last_word", "band"] = "first"
    """How it is made: the first value (``first``), the most frequent value (``mode``), the last
    word of the first value (``last_word``), or the band that the median lies in (``band``).
    """

    edges: Floats = ()
    """Limits between the bands, in rising order and in the column's unit; for ``band`` only."""


def _column(value: Any) -> Any:
    return {"column": value} if isinstance(value, str | list) else value


class ColumnSettings(Frozen):
    """The role of each column of the table."""

    timestamp: Annotated[TimestampColumn, BeforeValidator(_column)]
    """The time of a row: the name of a column of dates, or a mapping with more details."""

    series: Names
    """One or more key columns. Their values, joined by ``/``, are the name of a series."""

    demand: Annotated[DemandColumn, BeforeValidator(_column)]
    """The demand: the name of a column, or a mapping with more details."""

    in_stock: str | None = None
    """Column that is 0 where a stock-out hid demand; null: all series were always in stock."""

    static: Names = ()
    """Columns with one value per series, text or numbers."""

    known_future: Names = ()
    """Columns that are known in advance: numbers, or text such as the name of a promotion, whose
    frequent values count one by one. Rows with empty demand give their future values.
    """

    observed: Names = ()
    """Columns of numbers whose future is not known."""

    wide: bool = False
    """Whether the table has a column for each period, whose name is its date. ``timestamp`` and
    ``demand`` then are names that the long table gets.
    """

    @model_validator(mode="after")
    def _one_role_each(self) -> ColumnSettings:
        numeric = [*self.timestamp.columns, self.demand.column, *self.known_future, *self.observed]
        numeric += [self.in_stock] if self.in_stock else []
        twice = sorted({name for name in numeric if numeric.count(name) > 1})
        if twice:
            raise ValueError(f"column(s) {', '.join(twice)} have more than one role")
        own = {"series_id", "timestamp", "demand", "in_stock"}
        taken = (own & {*self.known_future, *self.observed}) | ({"series_id"} & {*self.static})
        if taken:
            raise ValueError(
                f"rename the column(s) {', '.join(sorted(taken))}: restock uses this name itself"
            )
        return self


class CancellationSettings(Frozen):
    """Rows that cancel an earlier sale. They are dropped; with ``net``, so are the sales."""

    column: str
    """The column that tells a cancelling row from a sale."""

    prefix: str
    """What that column starts with in a cancelling row."""

    match: Names
    """Columns that have the same values in a sale and in the row that cancels it."""

    quantity: str
    """The column of units. A cancelling row has minus the number of units of its sale."""

    net: bool = False
    """Whether the cancelled sales are also dropped."""


class RuleSettings(Frozen):
    """Cleaning rules for raw rows, applied in this order; each reports how many rows it dropped."""

    drop_duplicate_rows: bool = False
    """Whether to drop rows that equal an earlier row in every column."""

    uppercase: Names = ()
    """Text columns that are turned into capital letters."""

    keep_matching: dict[str, str] = Field(default_factory=dict)
    """For a column, a regular expression. It must match the text from its start; other rows are
    dropped.
    """

    cancellations: CancellationSettings | None = None
    """Which rows cancel a sale; null: no row does."""

    keep_positive: Names = ()
    """Columns that must hold a number above 0; other rows are dropped."""

    drop_unfinished_last_period: bool = False
    """Whether to drop the last period if the latest row is dated before the end of this period."""


Policy = Literal["fail", "reject", "flag"]


class ValidationSettings(Frozen):
    """What is done where a rule is broken.

    ``fail``: nothing is made from the table. ``reject``: the row is put aside, in quarantine.csv.
    ``flag``: it is counted and said.
    """

    number: Policy = "fail"
    """A cell of a column of numbers is no finite number; ``flag``: it is missing."""

    date: Literal["fail", "reject"] = "fail"
    """A date is none, or is empty."""

    key: Literal["fail", "reject"] = "fail"
    """A key of a series is empty."""

    far_date: Policy = "fail"
    """A few dates are far from all others, as with a mistyped year."""

    duplicate: Literal["fail", "reject"] = "fail"
    """A series has two rows for a period, and ``aggregation`` is ``none``."""

    unit_jump: Literal["fail", "flag"] = "flag"
    """The demand of a series, or of all in one file, jumps by a factor of 10, 100 or 1000 and stays
    there, as with another unit.
    """

    living_without_future: Literal["fail", "flag"] = "flag"
    """The table has rows after the last demand, but none for a series that was sold to the end."""


class PanelSettings(Frozen):
    """How raw rows become a panel."""

    columns: ColumnSettings
    """Which column plays which role."""

    frequency: str
    """Length of a period: ``h``, ``D``, ``W`` (to Sunday) or ``W-MON`` to ``W-SUN``, ``M``,
    ``Q``, ``Y``. ``MS``, ``QS`` and ``YS`` label a period by its first day, ``ME``, ``QE`` and
    ``YE`` by its last day.
    """

    unit: str = "units"
    """Name of the unit of demand, for reports."""

    rules: RuleSettings = RuleSettings()
    """How raw rows are cleaned before they are aggregated."""

    derived_static: dict[str, DerivedColumn] = Field(default_factory=dict)
    """Static columns that are made from other columns, by their new names."""

    derived_static_periods: Annotated[int, Field(ge=1)] = 26
    """Number of periods, from the first row of a series, that derived static columns are made
    from. Periods after an origin of the series are never used.
    """

    aggregation: Literal["none", "sum", "mean", "last", "max"] = "none"
    """How several rows of one series and period are combined; ``none``: they are an error."""

    missing: Literal["mask", "zero", "zero_from_start"] | None = None
    """The demand in a period without a row: unknown (``mask``), 0 after the first row of the
    series (``zero``), or 0 everywhere, also before its first row (``zero_from_start``). null:
    unknown, but a table in which it looks like 0 is refused.
    """

    closed: Annotated[tuple[Weekday, ...], BeforeValidator(as_tuple)] = ()
    """Weekdays on which nothing can be sold, such as ``SUN``; demand there is 0. Days on which no
    series ever has a row are found without it. For daily data.
    """

    negative: Literal["reject", "clip", "keep_missing"] = "reject"
    """What to do with negative demand: refuse it (``reject``), set it to 0 (``clip``), or treat
    it as unknown (``keep_missing``).
    """

    validation: ValidationSettings = ValidationSettings()
    """The policy of each rule that rows and series must keep."""

    min_active_periods: Annotated[int, Field(ge=0)] = 0
    """Series with fewer periods of demand above 0 are dropped."""
