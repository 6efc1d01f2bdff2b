"""Unpack a file: gzip, bzip2, xz, zstd and zip. A file that grows without end is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from restock.errors import DataError

BLOCK = 2**24
# A table packs to a tenth, rarely to a hundredth of its size.
MOST_GROWTH, MOST_FREE = 200, 2**30

MAGIC = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)


def unpacked(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of a file; of a zip archive, those of each file in it.

    What a file is, is seen from its first bytes, whatever it is called.

    Raises:
        DataError: If it is empty, is cut off, or unpacks to far more than a table would.
    """
    size = path.stat().st_size
    if size == 0:
        raise DataError(f"{name}: the file is empty.")
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(0)
        kind = next((kind for magic, kind in MAGIC if start.startswith(magic)), "")
        if start.startswith(b"PK\x03\x04") and not _is_workbook(path):
            yield from _members(file, name, size)
            return
        content = _all(_opened(file, kind), name, size) if kind else file.read()
    if not content:
        raise DataError(f"{name}: the file is empty.")
    yield name, content


def _is_workbook(path: Path) -> bool:
    """Tell the zip archive that a spreadsheet is from one that holds files."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return False
    return "[Content_Types].xml" in names or "content.xml" in names


def _members(file: IO[bytes], name: str, size: int) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = [
                m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename
            ]
            if not members:
                raise DataError(f"{name}: the archive is empty.")
            for member in members:
                if member.flag_bits & 1:
                    raise DataError(f"{name}: {member.filename} is protected by a password.")
                with archive.open(member) as packed:
                    content = _all(packed, f"{name}/{member.filename}", size)
                if not content:
                    raise DataError(f"{name}/{member.filename}: the file is empty.")
                yield f"{name}/{member.filename}", content
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"{name}: the archive is damaged or cut off ({error}).") from error


def _opened(file: IO[bytes], kind: str) -> Any:
    if kind == "gz":
        return gzip.open(file)
    if kind == "bz2":
        return bz2.open(file)
    if kind == "xz":
        return lzma.open(file)
    return pa.CompressedInputStream(file, "zstd")


def _all(packed: IO[bytes], name: str, size: int) -> bytes:
    content = io.BytesIO()
    try:
        while block := packed.read(BLOCK):
            content.write(block)
            if content.tell() > max(MOST_FREE, MOST_GROWTH * size):
                raise DataError(
                    f"{name}: {size:,} bytes unpack to more than {content.tell():,}: this is no "
                    "table. Unpack it yourself if it is one."
                )
    except (EOFError, lzma.LZMAError, zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{name}: the file is damaged or cut off ({error}).") from error
    return content.getvalue()
