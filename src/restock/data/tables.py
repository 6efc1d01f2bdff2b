"""Read tables from disk. Each row keeps its file and its line."""

from __future__ import annotations

from lzma import LZMAError
from pathlib import Path

import pandas as pd

from restock.data.table_files import table_files
from restock.errors import DataError
from restock.settings.panel import TableForm


def read_table(path: Path, form: TableForm) -> pd.DataFrame:
    """Read the files at a path as one table.

    Cells of text files stay text; :func:`restock.data.clean.make_panel` reads them as numbers or
    dates by the role of their column.

    Args:
        path: A CSV, TSV or Parquet file, or a folder of them.
        form: Separator, decimal mark and encoding of text files.

    Returns:
        All rows. The column ``__file__`` is the name of a row's file; the index is its line in
        that file (the header is line 1), or its row number, from 1, for Parquet.

    Raises:
        DataError: If there is no table, or a file is empty or cannot be read as a table.
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
        raise DataError(f"{path.name}: the table has no rows.")
    table = table.reset_index(drop=True)
    # Lines as an editor counts them: the header is line 1.
    table.index = table.index + (1 if path.suffix == ".parquet" else 2)
    return table
