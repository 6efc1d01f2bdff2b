"""What is promised of versions, the champion and its moves, whatever store is behind it.

A subclass gives the fixture ``opened``: a registered model that nobody has used before.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from restock.champions.history import DONE_TAG
from restock.champions.moves import Move
from restock.champions.registry import ModelVersion
from restock.champions.store import Store
from restock.errors import ConflictError, IntegrityError, UserError


def register(opened: Store, folder: Path, bundle: str) -> ModelVersion:
    model = folder / f"model-{bundle}"
    model.mkdir()
    (model / "weights").write_text(bundle)
    (model / "sub folder").mkdir()
    (model / "sub folder" / "a file").write_text(bundle)
    run = opened.registry.client.create_run(opened.experiment_id)
    return opened.registry.register(
        model, bundle, run.info.run_id, tags={"restock.data": "d"}, description="# one"
    )


def move(version: ModelVersion) -> Move:
    return Move(0, "promote", None, version.version, "better", bundle=version.bundle)


class RegistryContract:
    def test_a_version_is_found_by_its_bundle_and_comes_back_whole(
        self, opened: Store, tmp_path: Path
    ) -> None:
        assert opened.registry.find("one") is None
        version = register(opened, tmp_path, "one")
        assert opened.registry.find("one") == opened.registry.get(version.version)
        with opened.registry.download(version) as model:
            assert (model / "sub folder" / "a file").read_text() == "one"

    def test_a_broken_version_is_not_found_again(self, opened: Store, tmp_path: Path) -> None:
        version = register(opened, tmp_path, "one")
        opened.registry.mark(version, "broken")
        assert opened.registry.find("one") is None

    def test_an_unknown_version_lists_those_there_are(self, opened: Store, tmp_path: Path) -> None:
        register(opened, tmp_path, "one")
        with pytest.raises(UserError, match=r"no version '7'. Known: 1"):
            opened.registry.get("7")

    def test_changed_files_are_refused(self, opened: Store, tmp_path: Path) -> None:
        version = register(opened, tmp_path, "one")
        tags = {**version.tags, "restock.files": "0" * 64}
        other = ModelVersion(version.name, version.version, "", "one", tags)
        with (
            pytest.raises(IntegrityError, match="not the ones that were registered"),
            opened.registry.download(other),
        ):
            pass


class HistoryContract:
    def test_moves_are_numbered_linked_and_mirrored(self, opened: Store, tmp_path: Path) -> None:
        one, two = (register(opened, tmp_path, name) for name in ("one", "two"))
        opened.history.move(None, move(one))
        opened.history.move(one.version, move(two))
        champion = opened.registry.champion()
        assert champion is not None
        assert champion.version == two.version
        moves = opened.history.moves()
        assert [(m.number, m.from_version, m.to_version) for m in moves] == [
            (1, None, one.version), (2, one.version, two.version),
        ]  # fmt: skip
        assert opened.history.mirror.read() == moves
        opened.history.mirror.path.unlink()
        assert opened.history.moves() == moves
        assert opened.history.mirror.read() == moves

    def test_who_was_judged_against_another_champion_is_told(
        self, opened: Store, tmp_path: Path
    ) -> None:
        one, two = (register(opened, tmp_path, name) for name in ("one", "two"))
        opened.history.move(None, move(one))
        with pytest.raises(ConflictError, match="but version 1 is champion now"):
            opened.history.move(None, move(two))
        assert [m.to_version for m in opened.history.moves()] == [one.version]

    def test_of_two_at_once_one_wins(self, opened: Store, tmp_path: Path) -> None:
        versions = [register(opened, tmp_path, name) for name in ("one", "two")]
        lost: list[ConflictError] = []

        def promote(version: ModelVersion) -> None:
            try:
                opened.history.move(None, move(version))
            except ConflictError as error:
                lost.append(error)

        threads = [threading.Thread(target=promote, args=(v,)) for v in versions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(lost) == 1
        (won,) = opened.history.moves()
        champion = opened.registry.champion()
        assert champion is not None
        assert won.to_version == champion.version

    def test_a_move_killed_before_the_alias_moved_is_carried_through(
        self, opened: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = register(opened, tmp_path, "one")

        def killed(_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(opened.registry, "point_champion_at", killed)
            with pytest.raises(KeyboardInterrupt):
                opened.history.move(None, move(one))
        assert opened.registry.champion() is None
        opened.history.carry_through()
        champion = opened.registry.champion()
        assert champion is not None
        assert champion.version == one.version
        assert len(opened.history.carry_through()) == 1

    def test_a_move_by_hand_is_noted(self, opened: Store, tmp_path: Path) -> None:
        one, two = (register(opened, tmp_path, name) for name in ("one", "two"))
        opened.history.move(None, move(one))
        opened.registry.point_champion_at(two.version)
        moves = opened.history.carry_through()
        assert [(m.kind, m.to_version) for m in moves] == [
            ("promote", one.version), ("by hand", two.version),
        ]  # fmt: skip
        run = opened.registry.client.get_run(opened.history._run_id())
        assert run.data.tags[DONE_TAG] == "2"

    def test_the_history_of_another_store_is_not_mixed_in(self, opened: Store) -> None:
        opened.history.mirror.append([Move(1, "promote", None, "9", "of a lost store")])
        assert opened.history.carry_through() == []
        assert opened.history.mirror.read() == []
