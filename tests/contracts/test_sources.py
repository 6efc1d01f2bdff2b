"""What every source of raw tables promises, whatever is behind it."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from restock.data.files import digest, digest_tree
from restock.data.sources.kinds import SOURCES, open_source
from restock.data.sources.source import CHUNK, Chunk, Source, fetch
from restock.settings.base import classes, tags_of
from restock.settings.source import FileSource, PypiSource
from restock.stages.pipeline import FetchedData

Make = Callable[[bytes], Source]
TABLE = b"date,sales\n2020-01-05,1\n"


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A maker of sources of the kind under test, each of which holds the given table."""
    if request.param == "file":
        return lambda content: in_a_file(tmp_path, content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return lambda content: in_a_wheel(tmp_path, content)


def in_a_file(folder: Path, content: bytes) -> Source:
    (folder / "table.csv").write_bytes(content)
    return open_source(FileSource(path=str(folder / "table.csv")))


def in_a_wheel(folder: Path, content: bytes) -> Source:
    """A real wheel in the folder that pip is told to look in; each is a release of its own."""
    version = f"1.{len(list(folder.glob('*.whl')))}"
    wheel = folder / f"tiny_table-{version}-py3-none-any.whl"
    info = f"tiny_table-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny_table/table.csv", content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny_table\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return open_source(
        PypiSource(
            kind="pypi",
            package="tiny-table",
            version=version,
            wheel_sha256=digest(wheel),
            member="tiny_table/table.csv",
            member_sha256=hashlib.sha256(content).hexdigest(),
        )
    )


@pytest.mark.parametrize("make", SOURCES, indirect=True)
class TestContract:
    def test_the_chunks_of_a_file_join_to_what_the_source_holds(self, make: Make) -> None:
        content = bytes(range(256)) * (2 * CHUNK // 256) + b"end"
        chunks = list(make(content).chunks())
        assert [name for name, _ in groupby(chunk.file for chunk in chunks)] == ["table.csv"]
        assert b"".join(chunk.content for chunk in chunks) == content
        assert [len(chunk.content) for chunk in chunks] == [CHUNK, CHUNK, 3]

    def test_an_empty_file_is_there_and_empty(self, make: Make, tmp_path: Path) -> None:
        fetched = fetch(make(b""), tmp_path / "raw")
        assert (tmp_path / "raw/table.csv").read_bytes() == b""
        assert fetched.size == 0

    def test_the_same_table_has_the_same_state_and_another_has_another(self, make: Make) -> None:
        source, states = make(TABLE), []
        for _ in range(2):
            list(source.chunks())
            states.append(source.state())
        assert states[0] == states[1]
        assert json.loads(json.dumps(states[0])) == states[0]
        other = make(TABLE + b"2020-01-12,2\n")
        list(other.chunks())
        assert other.state() != states[0]

    def test_a_fetch_says_what_it_has_brought(self, make: Make, tmp_path: Path) -> None:
        source = make(TABLE)
        fetched = fetch(source, tmp_path / "raw")
        assert fetched.size == len(TABLE)
        assert fetched.digest == digest_tree(tmp_path / "raw")
        assert fetched.state == source.state() != {}

    def test_a_large_table_streams_through_little_memory(self, make: Make, tmp_path: Path) -> None:
        source = make(bytes(24 * CHUNK))
        tracemalloc.start()
        try:
            fetched = fetch(source, tmp_path / "raw")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert fetched.size == 24 * CHUNK
        assert peak < 4 * CHUNK


def test_what_a_source_gives_before_it_fails_is_thrown_away(tmp_path: Path) -> None:
    class Breaking:
        def chunks(self) -> Any:
            yield Chunk("table.csv", TABLE)
            raise ConnectionResetError

        def state(self) -> dict[str, str]:
            raise AssertionError("nothing was read to its end")

    fetch(in_a_file(tmp_path, TABLE), tmp_path / "raw")
    with pytest.raises(ConnectionResetError):
        fetch(Breaking(), tmp_path / "raw")
    assert (tmp_path / "raw/table.csv").read_bytes() == TABLE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "table.csv"]


def test_every_kind_that_settings_name_can_be_opened_and_no_other() -> None:
    kinds = classes(FetchedData.model_fields["source"].annotation)
    assert sorted(SOURCES) == sorted(tag for kind in kinds for tag in tags_of(kind, "kind"))
