"""Versions, the champion and its moves: one contract, whatever store is behind it."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import pytest

from restock.commands.registry import Store, open_store
from restock.errors import ConflictError, IntegrityError, UserError
from restock.promotion.moves import Move
from restock.tracking.mlflow.ledger import DONE_TAG
from restock.tracking.mlflow.registry import ModelVersion
from support.builders import settings


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on a SQLite file. Other stores stand in tests/integration."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture
def store(root: Path) -> Store:
    """A registered model of the test's own."""
    name = f"own-{uuid.uuid4().hex[:8]}"
    return open_store(settings(tracking={"name": "mlflow", "model_name": name}), root)


def register(store: Store, folder: Path, bundle: str) -> ModelVersion:
    model = folder / f"model-{bundle}"
    model.mkdir()
    (model / "weights").write_text(bundle)
    (model / "sub folder").mkdir()
    (model / "sub folder" / "a file").write_text(bundle)
    run = store.registry.client.create_run(store.experiment_id)
    return store.registry.register(
        model, bundle, run.info.run_id, tags={"restock.data": "d"}, description="# one"
    )


def move(version: ModelVersion) -> Move:
    return Move(0, "promote", None, version.version, "better", bundle=version.bundle)


class TestRegistry:
    def test_a_version_is_found_by_its_bundle_and_comes_back_whole(
        self, store: Store, tmp_path: Path
    ) -> None:
        assert store.registry.find("one") is None
        version = register(store, tmp_path, "one")
        assert store.registry.find("one") == store.registry.get(version.version)
        with store.registry.download(version) as model:
            assert (model / "sub folder" / "a file").read_text() == "one"

    def test_a_broken_version_is_not_found_again(self, store: Store, tmp_path: Path) -> None:
        version = register(store, tmp_path, "one")
        store.registry.mark(version, "broken")
        assert store.registry.find("one") is None

    def test_an_unknown_version_lists_those_there_are(self, store: Store, tmp_path: Path) -> None:
        register(store, tmp_path, "one")
        with pytest.raises(UserError, match=r"no version '7'. Known: 1"):
            store.registry.get("7")

    def test_changed_files_are_refused(self, store: Store, tmp_path: Path) -> None:
        version = register(store, tmp_path, "one")
        tags = {**version.tags, "restock.files": "0" * 64}
        other = ModelVersion(version.name, version.version, "", "one", tags)
        with (
            pytest.raises(IntegrityError, match="not the ones that were registered"),
            store.registry.download(other),
        ):
            pass


class TestLedger:
    def test_moves_are_numbered_linked_and_mirrored(self, store: Store, tmp_path: Path) -> None:
        one, two = (register(store, tmp_path, name) for name in ("one", "two"))
        store.ledger.move(None, move(one))
        store.ledger.move(one.version, move(two))
        champion = store.registry.champion()
        assert champion is not None
        assert champion.version == two.version
        moves = store.ledger.moves()
        assert [(m.number, m.from_version, m.to_version) for m in moves] == [
            (1, None, one.version), (2, one.version, two.version),
        ]  # fmt: skip
        assert store.ledger.mirror.read() == moves
        store.ledger.mirror.path.unlink()
        assert store.ledger.moves() == moves
        assert store.ledger.mirror.read() == moves

    def test_who_was_judged_against_another_champion_is_told(
        self, store: Store, tmp_path: Path
    ) -> None:
        one, two = (register(store, tmp_path, name) for name in ("one", "two"))
        store.ledger.move(None, move(one))
        with pytest.raises(ConflictError, match="but version 1 is champion now"):
            store.ledger.move(None, move(two))
        assert [m.to_version for m in store.ledger.moves()] == [one.version]

    def test_of_two_at_once_one_wins(self, store: Store, tmp_path: Path) -> None:
        versions = [register(store, tmp_path, name) for name in ("one", "two")]
        lost: list[ConflictError] = []

        def promote(version: ModelVersion) -> None:
            try:
                store.ledger.move(None, move(version))
            except ConflictError as error:
                lost.append(error)

        threads = [threading.Thread(target=promote, args=(v,)) for v in versions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(lost) == 1
        (won,) = store.ledger.moves()
        champion = store.registry.champion()
        assert champion is not None
        assert won.to_version == champion.version

    def test_a_move_killed_before_the_alias_moved_is_carried_through(
        self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = register(store, tmp_path, "one")

        def killed(_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(store.registry, "point_champion_at", killed)
            with pytest.raises(KeyboardInterrupt):
                store.ledger.move(None, move(one))
        assert store.registry.champion() is None
        store.ledger.carry_through()
        champion = store.registry.champion()
        assert champion is not None
        assert champion.version == one.version
        assert len(store.ledger.carry_through()) == 1

    def test_a_move_by_hand_is_noted(self, store: Store, tmp_path: Path) -> None:
        one, two = (register(store, tmp_path, name) for name in ("one", "two"))
        store.ledger.move(None, move(one))
        store.registry.point_champion_at(two.version)
        moves = store.ledger.carry_through()
        assert [(m.kind, m.to_version) for m in moves] == [
            ("promote", one.version), ("by hand", two.version),
        ]  # fmt: skip
        run = store.registry.client.get_run(store.ledger._run_id())
        assert run.data.tags[DONE_TAG] == "2"


def test_the_history_of_another_store_is_not_mixed_in(store: Store) -> None:
    store.ledger.mirror.append([Move(1, "promote", None, "9", "of a lost store")])
    assert store.ledger.carry_through() == []
    assert store.ledger.mirror.read() == []
