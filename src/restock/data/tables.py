"""Tables as they lie on disk, read as rows that know where they came from."""

from __future__ import annotations

from lzma import LZMAError
from pathlib import Path

import pandas as pd

from restock.data.table_files import table_files
from restock.errors import DataError
from restock.settings.panel import TableForm


def read_table(path: Path, form: TableForm) -> pd.DataFrame:
    """Read the files at a path as one table. CSV cells stay text until a role is known.

    The column ``__file__`` and the index say where each row came from.
    """
    parts = []
    for file in table_files(path):
        part = _read_one(file, form)
        part["__file__"] = file.name
        parts.append(part)
    return pd.concat(parts)


def _read_one(path: Path, form: TableForm) -> pd.DataFrame:
    if path.stat().st_size == 0:
        raise DataError(f"{path.name}: the file is empty.")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(
                path,
                sep="\t" if path.suffix == ".tsv" else form.separator,
                encoding=form.encoding,
                dtype=str,
                keep_default_na=False,
                na_values=[""],
            )
    except (ValueError, OSError, EOFError, LZMAError) as error:  # a parser error is a ValueError
        raise DataError(
            f"{path.name}: cannot be read as a table ({error}). "
            "Check data.table.separator and data.table.encoding."
        ) from error
    if table.empty:
        raise DataError(f"{path.name}: there are no rows in it.")
    table = table.reset_index(drop=True)
    # A person counts lines in an editor: the header is line 1.
    table.index = table.index + (1 if path.suffix == ".parquet" else 2)
    return table
