"""The local copy of the champion's history survives a kill at any byte."""

from __future__ import annotations

from pathlib import Path

from restock.champions.moves import Mirror, Move


def move(number: int) -> Move:
    before = str(number - 1) if number > 1 else None
    return Move(number, "promote", before, str(number), "better", metrics={"wql": 0.5})


def test_moves_come_back_in_order(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "history" / "own.jsonl")
    assert mirror.read() == []
    mirror.append([move(1)])
    mirror.append([move(2), move(3)])
    assert [found.to_version for found in mirror.read()] == ["1", "2", "3"]


def test_a_line_cut_short_is_no_move_and_the_next_one_follows_it(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "own.jsonl")
    mirror.append([move(1), move(2)])
    whole = mirror.path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        mirror.path.write_bytes(whole[:end])
        assert [found.number for found in mirror.read()] == [1]
        mirror.append([move(2)])
        assert [found.number for found in mirror.read()] == [1, 2]


def test_it_can_be_written_anew(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "own.jsonl")
    mirror.append([move(1), move(2)])
    mirror.replace([move(1)])
    assert [found.number for found in mirror.read()] == [1]
