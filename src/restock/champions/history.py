"""The history of champions: move the alias by compare-and-set, and keep every move.

MLflow has no compare-and-set for aliases. With one SQLite file or one PostgreSQL database,
promotions hold a lock. Over plain REST without ``tracking.lock_url``, each move first writes a
numbered entry, and the first one to write a number wins. docs/promotion.md describes the remaining
race.

An entry is an artifact of the history's run, ``moves/000001.json``, and never changes. It is
written only for a verified version, so that an interrupted move can be finished later.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path

import mlflow

from restock.champions.moves import Mirror, Move
from restock.champions.registry import Registry
from restock.data.locks import database_lock, file_lock
from restock.errors import ConflictError
from restock.settings.tracking import TrackingSettings
from restock.tracking.uri import tracking_uri

LEDGER_TAG = "restock.ledger"
DONE_TAG = "restock.moves"  # number of the last finished move
FOLDER = "moves"


class History:
    """The moves of one registered model's champion."""

    def __init__(
        self,
        registry: Registry,
        experiment_id: str,
        mirror: Mirror,
        lock: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Keep the moves of a registry's champion.

        Args:
            registry: The registered model.
            experiment_id: Experiment with the run that holds the moves.
            mirror: The local copy.
            lock: Lock to hold while the alias moves.
        """
        self.registry, self.client = registry, registry.client
        self.experiment_id, self.mirror, self.lock = experiment_id, mirror, lock

    def move(self, expected: str | None, wanted: Move) -> Move:
        """Move the alias, if the champion is still the one that the challenger was compared with.

        Args:
            expected: Version that was champion when the challenger was judged.
            wanted: The move, to a verified version. Its number is set here.

        Returns:
            The move as it was recorded.

        Raises:
            ConflictError: If somebody else moved the alias first. Nothing was changed.
        """
        with self.lock():
            moves = self._carry_through()
            self._check(expected, wanted)
            move = replace(wanted, number=len(moves) + 1, from_version=expected)
            self._write(move)
            self._set(move)
            self.mirror.append([move])
            return move

    def carry_through(self) -> list[Move]:
        """Finish an interrupted move, record a move made by hand, and return all moves."""
        with self.lock():
            return self._carry_through()

    def moves(self) -> list[Move]:
        """Return every move on the server, and update the mirror."""
        run_id = self._find()
        known = self.mirror.read()
        names = [] if run_id is None else self._names(run_id)
        moves = [move for move in known if f"{move.number:06d}.json" in names]
        if moves != known or [move.number for move in moves] != list(range(1, len(moves) + 1)):
            moves = []  # another store, or a mirror with gaps
        fresh = [self._read(str(run_id), name) for name in names[len(moves) :]]
        if fresh and moves == known:
            self.mirror.append(fresh)
        elif fresh or moves != known:
            self.mirror.replace([*moves, *fresh])
        return [*moves, *fresh]

    def _carry_through(self) -> list[Move]:
        moves = self.moves()
        run_id = self._find()
        if run_id is None:
            return self._note_by_hand(moves)
        done = int(self.client.get_run(run_id).data.tags.get(DONE_TAG, 0))
        last = moves[-1] if moves else None
        if last is not None and last.number > done:
            if self._champion() == last.from_version:
                self._set(last)
            else:
                self.client.set_tag(run_id, DONE_TAG, last.number)
        return self._note_by_hand(moves)

    def _note_by_hand(self, moves: list[Move]) -> list[Move]:
        """If the alias was moved without restock, record that in the history."""
        recorded = moves[-1].to_version if moves else None
        actual = self._champion()
        if actual == recorded:
            return moves
        move = Move(len(moves) + 1, "by hand", recorded, actual, "the alias was moved past restock")
        self._write(move)
        self.client.set_tag(self._run_id(), DONE_TAG, move.number)
        self.mirror.append([move])
        return [*moves, move]

    def _check(self, expected: str | None, wanted: Move) -> None:
        actual = self._champion()
        if actual != expected:
            raise ConflictError(
                f"{self.registry.name}: version {wanted.to_version} was judged against champion "
                f"{expected or '(none)'}, but version {actual or '(none)'} is champion now. "
                "Nothing was changed. Run the command again to compare with the new champion."
            )

    def _set(self, move: Move) -> None:
        """Move the alias to the version of the last entry, and check that it stayed there."""
        self.registry.point_champion_at(move.to_version)
        actual = self._champion()
        if actual != move.to_version:
            raise ConflictError(
                f"{self.registry.name}: somebody else made version {actual or '(none)'} champion "
                f"while version {move.to_version} was promoted. `restock history --refresh` shows "
                "both moves."
            )
        self.client.set_tag(self._run_id(), DONE_TAG, move.number)

    def _champion(self) -> str | None:
        found = self.registry.champion()
        return found.version if found else None

    def _find(self) -> str | None:
        found = self.client.search_runs(
            [self.experiment_id],
            f"tags.`{LEDGER_TAG}` = '{self.registry.name}'",
            max_results=1,
            order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
        )
        return str(found[0].info.run_id) if found else None

    def _run_id(self) -> str:
        found = self._find()
        if found is None:
            tags = {LEDGER_TAG: self.registry.name}
            name = f"champions of {self.registry.name}"
            made = self.client.create_run(self.experiment_id, run_name=name, tags=tags)
            self.client.set_terminated(made.info.run_id)
            found = self._find()  # another machine may have made one at the same moment
        return str(found)

    def _names(self, run_id: str) -> list[str]:
        return sorted(Path(f.path).name for f in self.client.list_artifacts(run_id, FOLDER))

    def _read(self, run_id: str, name: str) -> Move:
        text = mlflow.artifacts.load_text(
            f"{self.client.get_run(run_id).info.artifact_uri}/{FOLDER}/{name}"
        )
        return Move(**json.loads(text))

    def _write(self, move: Move) -> None:
        """Write an entry, and check that no other machine wrote the same number.

        Raises:
            ConflictError: If another machine did.
        """
        run_id, name = self._run_id(), f"{move.number:06d}.json"
        if name in self._names(run_id):
            raise ConflictError(f"{self.registry.name}: another machine made move {move.number}")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(json.dumps(asdict(move), indent=1) + "\n", encoding="utf-8")
            self.client.log_artifact(run_id, str(path), FOLDER)
        if self._read(run_id, name) != move:
            raise ConflictError(f"{self.registry.name}: another machine made move {move.number}")


def promotion_lock(
    settings: TrackingSettings, root: Path
) -> Callable[[], AbstractContextManager[None]]:
    """Return the lock that allows only one promotion at a time.

    It is in the database of ``tracking.lock_url``, or in that of the runs. Over plain REST it is a
    file of the project, so that it does not protect against other projects and machines.
    """
    url = settings.lock_url or tracking_uri(settings, root)
    if url.startswith(("http:", "https:")):
        return lambda: file_lock(root / ".restock" / "promote.lock")
    return lambda: database_lock(url, "promote")
