"""Tables in local files: one CSV or Parquet file, or a folder of them."""

from __future__ import annotations

import shutil
from lzma import LZMAError
from pathlib import Path

import pandas as pd

from restock.data.files import replacing
from restock.errors import DataError
from restock.settings.tree import SourceSettings

SUFFIXES = (".csv", ".csv.gz", ".csv.xz", ".tsv", ".parquet")


def fetch(source: SourceSettings, folder: Path) -> None:
    """Copy the table's files into ``folder``, which becomes the immutable raw data."""
    assert source.path is not None
    origin = Path(source.path)
    with replacing(folder) as aside:
        aside.mkdir()
        for path in table_files(origin):
            shutil.copyfile(path, aside / path.name)


def table_files(path: Path) -> list[Path]:
    """List the table files at a path, sorted by name.

    Raises:
        DataError: If nothing readable is there.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder. Check source.path in the data YAML.")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    tables = [file for file in files if file.name.endswith(SUFFIXES)]
    if not tables:
        raise DataError(f"{path}: expected a table ({', '.join(SUFFIXES)}), found none.")
    return tables


def read_table(folder: Path, source: SourceSettings) -> pd.DataFrame:
    """Read all files of a raw folder as one table. CSV cells stay text until a role is known.

    The column ``__file__`` and the index say where each row came from.
    """
    parts = []
    for path in table_files(folder):
        part = _read_one(path, source)
        part["__file__"] = path.name
        parts.append(part)
    return pd.concat(parts)


def _read_one(path: Path, source: SourceSettings) -> pd.DataFrame:
    if path.stat().st_size == 0:
        raise DataError(f"{path.name}: the file is empty.")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(
                path,
                sep="\t" if path.suffix == ".tsv" else source.separator,
                encoding=source.encoding,
                dtype=str,
                keep_default_na=False,
                na_values=[""],
            )
    except (ValueError, OSError, EOFError, LZMAError) as error:  # a parser error is a ValueError
        raise DataError(
            f"{path.name}: cannot be read as a table ({error}). "
            "Check source.separator and source.encoding."
        ) from error
    if table.empty:
        raise DataError(f"{path.name}: there are no rows in it.")
    table = table.reset_index(drop=True)
    # A person counts lines in an editor: the header is line 1.
    table.index = table.index + (1 if path.suffix == ".parquet" else 2)
    return table
