"""Find the table files at a path: one CSV or Parquet file, or all of them in a folder."""

from __future__ import annotations

from pathlib import Path

from restock.errors import DataError

SUFFIXES = (".csv", ".csv.gz", ".csv.xz", ".tsv", ".parquet")


def table_files(path: Path) -> list[Path]:
    """List the table files at a path, sorted by name.

    Raises:
        DataError: If the path does not exist or holds no table.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder. Check source.path in the data YAML.")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    tables = [file for file in files if file.name.endswith(SUFFIXES)]
    if not tables:
        raise DataError(f"{path}: expected a table ({', '.join(SUFFIXES)}), found none.")
    return tables
