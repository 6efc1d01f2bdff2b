"""The history of a registry's champion: numbered, append-only entries, mirrored in a file."""

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
        number: From 1, without gaps.
        kind: What moved it; "by hand" is a move past restock that was found later.
        from_version, to_version: Versions of the registered model; None: there was none.
        reason: Why.
        bundle, data, commit: Digest of the bundle, digest of its data, git revision.
        run_id: Of the decision.
        metrics: On the test folds.
        at: UTC, to the second.
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
        """Return one line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Mirror:
    """A local copy of the history, a line a move: read without a server, never rewritten."""

    path: Path

    def read(self) -> list[Move]:
        """Return the moves in order. A line that a kill cut short is not a move."""
        if not self.path.is_file():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]
        moves = {}
        for line in lines:
            move = Move(**json.loads(line))
            moves[move.number] = move
        return [moves[number] for number in sorted(moves)]

    def append(self, moves: Iterable[Move]) -> None:
        """Add moves, whole and on disk when this returns.

        Raises:
            DiskFullError: If there is no room for them.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(move.to_json() + "\n" for move in moves).encode()
        with disk_full_named(self.path), self.path.open("ab", buffering=0) as file:
            file.truncate(self.path.read_bytes().rfind(b"\n") + 1)  # what a kill cut short
            file.write(text)
            os.fsync(file.fileno())

    def replace(self, moves: Iterable[Move]) -> None:
        """Write the whole history anew, as a server has it."""
        with replacing(self.path) as aside:
            aside.write_text("".join(move.to_json() + "\n" for move in moves), encoding="utf-8")


def mirror_of(root: Path, model: str) -> Mirror:
    """Return where a project keeps the history of a registered model."""
    return Mirror(root / HISTORY / f"{model}.jsonl")


def mirrors(root: Path) -> list[Mirror]:
    """Return the histories of all models that a project keeps."""
    return [Mirror(path) for path in (root / HISTORY).glob("*.jsonl")]
