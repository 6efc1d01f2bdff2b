"""Find the table files at a path: one file, or all of them in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from restock.errors import DataError

SUFFIXES = (".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".xlsb", ".ods", ".jsonl", ".ndjson")
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


@dataclass(frozen=True)
class TableFile:
    """A file with a table.

    Attributes:
        path: Where it lies.
        name: Its path in the folder of the source, with ``/`` between the parts.
    """

    path: Path
    name: str

    @property
    def partition(self) -> dict[str, str]:
        """The columns that folders called ``key=value`` add to its rows."""
        parts = [part.partition("=") for part in self.name.split("/")[:-1]]
        return {key: value for key, sign, value in parts if sign}


@dataclass(frozen=True)
class Found:
    """The files at a path.

    Attributes:
        tables: Those with a table, sorted by name.
        others: Names of those that are not read.
    """

    tables: tuple[TableFile, ...]
    others: tuple[str, ...]

    @property
    def note(self) -> str:
        """Say which files are not read; empty if all are."""
        others = ", ".join(self.others)
        return f"not read, because they are no tables: {others}" if others else ""


def find_tables(path: Path) -> Found:
    """Find the table files at a path.

    Of a folder, the files that look like tables are taken, also those in folders called
    ``key=value`` or like a table file; of other folders and of hidden files none. A file that is
    named itself is always taken.

    Raises:
        DataError: If the path does not exist or holds no table.
    """
    if path.is_file():
        return Found((TableFile(path, path.name),), ())
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder. Check source.path in the data YAML.")
    tables, others = _listed(path, "")
    if not tables:
        known = ", ".join(SUFFIXES)
        also = f" It holds {', '.join(others[:5])}." if others else " It is empty."
        raise DataError(
            f"{path}: expected a table ({known}; also packed as {', '.join(PACKED)}), found "
            f"none.{also}"
        )
    return Found(tuple(sorted(tables, key=lambda file: file.name)), tuple(sorted(others)))


def _listed(folder: Path, prefix: str) -> tuple[list[TableFile], list[str]]:
    tables: list[TableFile] = []
    others: list[str] = []
    for path in folder.iterdir():
        name, hidden = prefix + path.name, path.name.startswith((".", "_"))
        if path.is_dir() and not hidden and ("=" in path.name or is_table(path.name)):
            below = _listed(path, f"{name}/")
            tables += below[0]
            others += below[1]
        elif path.is_file() and not hidden and is_table(path.name):
            tables.append(TableFile(path, name))
        elif not hidden:
            others.append(f"{name}/" if path.is_dir() else name)
    return tables, others


def is_table(name: str) -> bool:
    """Say whether a file's name is that of a table, packed or not."""
    name = name.lower()
    packed = next((suffix for suffix in PACKED if name.endswith(suffix)), "")
    return packed == ".zip" or name.removesuffix(packed).endswith(SUFFIXES)
