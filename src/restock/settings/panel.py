"""Settings of a panel: what the columns of a raw table mean, and how its rows become demand."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from restock.settings.base import Floats, Frozen, Names


class TableForm(Frozen):
    """How a text table is written down; Parquet needs none of it."""

    separator: str = ","
    """What stands between two columns; a ``.tsv`` file is split at tabs all the same."""

    decimal: str = "."
    """What stands before the decimals of a number."""

    encoding: str = "utf-8"
    """Encoding of the text, by Python's name for it, such as ``latin-1``."""


class TimestampColumn(Frozen):
    """The column that says when: a date, or an integer period counted from ``start``."""

    column: str
    """Name of the column."""

    start: str | None = None
    """Date of period 0, where the column counts periods; null: the column holds dates."""

    format: str = "ISO8601"
    """How dates are written: ``ISO8601``, or a pattern of strptime such as ``%d.%m.%Y``."""


class DemandColumn(Frozen):
    """The column that says how much, and what undoes a transform it was stored with."""

    column: str
    """Name of the column."""

    transform: Literal["none", "exp"] = "none"
    """What turns the stored numbers into units; ``exp`` if they are natural logarithms."""


class DerivedColumn(Frozen):
    """A static column made from a series' first periods (`how`), so that it holds no future."""

    column: str
    """The column of the raw table that it is made from."""

    how: Literal["first", "mode", "last_word", "band"] = "first"
    """The first value, the most frequent one, the last word of the first, or the median's band."""

    edges: Floats = ()
    """Rising numbers that separate the bands, in the column's own unit; for ``band`` only."""


def _column(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class ColumnSettings(Frozen):
    """The role of each column of the table."""

    timestamp: Annotated[TimestampColumn, BeforeValidator(_column)]
    """When a row happened: the name of a column of dates, or a mapping that says more."""

    series: Names
    """One or more key columns; a series is called by their values, joined by ``/``."""

    demand: Annotated[DemandColumn, BeforeValidator(_column)]
    """How much was asked for: the name of a column, or a mapping that says more."""

    in_stock: str | None = None
    """Column that is 0 where a stock-out hid demand; null: everything was always in stock."""

    static: Names = ()
    """Columns with one value per series, text or numbers."""

    known_future: Names = ()
    """Columns of numbers that are known ahead; rows with empty demand give the periods to come."""

    observed: Names = ()
    """Columns of numbers that are known up to the present only."""

    @model_validator(mode="after")
    def _one_role_each(self) -> ColumnSettings:
        numeric = [self.timestamp.column, self.demand.column, *self.known_future, *self.observed]
        numeric += [self.in_stock] if self.in_stock else []
        twice = sorted({name for name in numeric if numeric.count(name) > 1})
        if twice:
            raise ValueError(f"column(s) {', '.join(twice)} have more than one role")
        taken = {"series_id", "timestamp", "demand", "in_stock"} & {
            *self.known_future,
            *self.observed,
        }
        if taken:
            raise ValueError(
                f"rename the covariate(s) {', '.join(sorted(taken))}: the name is taken"
            )
        return self


class CancellationSettings(Frozen):
    """Rows that cancel an earlier sale. They are dropped; ``net`` drops the sale they match too."""

    column: str
    """The column that tells a cancelling row from a sale."""

    prefix: str
    """What that column starts with in a cancelling row."""

    match: Names
    """Columns in which a sale and the row that cancels it agree."""

    quantity: str
    """The column of units, negative in a cancelling row, whose amount agrees with the sale's."""

    net: bool = False
    """Whether the cancelled sales are dropped, too."""


class RuleSettings(Frozen):
    """Cleaning rules for raw rows, applied in this order; each reports how many rows it dropped."""

    drop_duplicate_rows: bool = False
    """Whether a row is dropped that equals an earlier one in every column."""

    uppercase: Names = ()
    """Text columns that are turned into capital letters."""

    keep_matching: dict[str, str] = Field(default_factory=dict)
    """By column, a regular expression that its text must match from the start; others go."""

    cancellations: CancellationSettings | None = None
    """Which rows cancel a sale; null: none do."""

    keep_positive: Names = ()
    """Columns that must hold a number above 0; other rows are dropped."""

    drop_unfinished_last_period: bool = False
    """Whether the last period is dropped if the latest row is dated before that period's end."""


class PanelSettings(Frozen):
    """How raw rows become a panel."""

    table: TableForm = TableForm()
    """How the table's text is written down."""

    columns: ColumnSettings
    """Which column plays which role."""

    frequency: str
    """Length of a period: ``h``, ``D``, ``W`` (to Sunday) or ``W-MON`` to ``W-SUN``, ``M``,
    ``Q``, ``Y``; the last three also with ``S`` or ``E``, to be labelled by their first or last
    day.
    """

    unit: str = "units"
    """What one unit of demand is called in reports."""

    rules: RuleSettings = RuleSettings()
    """How raw rows are cleaned before anything is added up."""

    derived_static: dict[str, DerivedColumn] = Field(default_factory=dict)
    """Static columns that are made from others, by the name each gets."""

    derived_static_periods: Annotated[int, Field(ge=1)] = 26
    """Periods from a series' first row on that they are read from, but none after an origin that
    the series is forecast from.
    """

    aggregation: Literal["none", "sum", "mean", "last", "max"] = "none"
    """How demand in several rows of one series and period combines; ``none`` refuses them."""

    missing: Literal["mask", "zero", "zero_from_start"] = "mask"
    """What a period without a row means: unknown (``mask``), 0 from the series' first row on
    (``zero``), or 0 from the panel's first period on (``zero_from_start``).
    """

    negative: Literal["reject", "clip", "keep_missing"] = "reject"
    """What a row of negative demand is: an error, 0, or unknown."""

    min_active_periods: Annotated[int, Field(ge=0)] = 0
    """Series with fewer periods of demand above 0 are dropped."""
