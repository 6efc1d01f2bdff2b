"""A crash leaves the old file or the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from restock.data.files import replacing, write_json


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(path, {"new": float("nan")})
    assert path.read_text() == '{\n  "old": 1\n}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with replacing(tmp_path / "folder") as aside:
            aside.mkdir()
            (aside / name).write_text(name)
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["second"]
