"""Moves of a registry's champion: numbered entries, with a local copy in a file."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from restock.data.files import disk_full_named, replacing

HISTORY = ".restock/history"  # below the project's folder
Kind = Literal["promote", "rollback", "by hand"]


@dataclass(frozen=True)
class Move:
    """One move of the alias ``champion``.

    Attributes:
        number: Number of the move, from 1, without gaps.
        kind: What moved it; "by hand" is a move without restock that was found later.
        from_version, to_version: Versions of the registered model; None: no champion.
        reason: Why it was moved.
        bundle, data, commit: Digest of the bundle, digest of its data, git revision.
        run_id: Run that logged the decision.
        metrics: Scores on the test folds.
        at: Time in UTC, to the second.
        who: User and machine.
    """

    number: int
    kind: Kind
    from_version: str | None
    to_version: str | None
    reason: str
    bundle: str = ""
    data: str = ""
    commit: str = ""
    run_id: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    who: str = field(default_factory=lambda: f"{getpass.getuser()}@{socket.gethostname()}")

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Mirror:
    """A local copy of the history, one line per move. It can be read without a server."""

    path: Path

    def read(self) -> list[Move]:
        """Return the moves in order. An incomplete last line, left by a kill, is ignored."""
        if not self.path.is_file():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]
        moves = {}
        for line in lines:
            move = Move(**json.loads(line))
            moves[move.number] = move
        return [moves[number] for number in sorted(moves)]

    def append(self, moves: Iterable[Move]) -> None:
        """Add moves. They are completely on disk when this returns.

        Raises:
            DiskFullError: If there is no space.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(move.to_json() + "\n" for move in moves).encode()
        with disk_full_named(self.path), self.path.open("ab", buffering=0) as file:
            file.truncate(self.path.read_bytes().rfind(b"\n") + 1)  # drop an incomplete line
            file.write(text)
            os.fsync(file.fileno())

    def replace(self, moves: Iterable[Move]) -> None:
        """Replace the whole history by that of a server."""
        with replacing(self.path) as aside:
            aside.write_text("".join(move.to_json() + "\n" for move in moves), encoding="utf-8")


def mirror_of(root: Path, model: str) -> Mirror:
    """Return a project's local copy of the history of a registered model."""
    return Mirror(root / HISTORY / f"{model}.jsonl")


def mirrors(root: Path) -> list[Mirror]:
    """Return a project's local copies of the histories of all models."""
    return [Mirror(path) for path in (root / HISTORY).glob("*.jsonl")]
