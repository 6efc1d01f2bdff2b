"""A champion taken back, compared and described: `rollback`, `diff`, `card`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from restock.champions.card import CARD, CARD_PAGE, to_markdown
from restock.champions.moves import Move
from restock.champions.registry import ModelVersion
from restock.champions.store import Store, open_store
from restock.data.files import replacing, write_json
from restock.errors import UserError
from restock.settings.tree import Settings, leaves
from restock.tracking.protocol import Console, Parts
from restock.types.layout import Layout


def rollback(
    settings: Settings, root: Path, console: Console, *, to: str | None, tags: dict[str, str]
) -> None:
    """Make an earlier version champion again, after verifying it again.

    Args:
        settings: Whose model.
        root: The project's folder.
        console: Where a person watches.
        to: The version; none: the champion before this one.
        tags: Labels, such as the commit.

    Raises:
        UserError: If there is no earlier champion, or no such version.
        IntegrityError: If its files are not the ones that were registered.
        ConflictError: If another champion was made meanwhile.
    """
    store = open_store(settings, root)
    moves = store.ledger.carry_through()
    champion = store.registry.champion()
    version = store.registry.get(to or _before(moves, champion))
    if champion is not None and champion.version == version.version:
        raise UserError(f"{version.label} is champion already.")
    store.verify(store.registry, version)
    left = champion.label if champion else "no champion"
    metrics = next((m.metrics for m in reversed(moves) if m.to_version == version.version), {})
    move = Move(
        number=0,
        kind="rollback",
        from_version=None,
        to_version=version.version,
        reason=f"rolled back from {left}",
        bundle=version.bundle,
        data=version.tags.get("restock.data", ""),
        commit=tags.get("commit", ""),
        run_id=version.run_id,
        metrics=metrics,
    )
    store.ledger.move(champion.version if champion else None, move)
    console.note(f"{version.label} is champion again (was {left})")


def _before(moves: list[Move], champion: ModelVersion | None) -> str:
    """Return the version that was champion before the one that is."""
    for move in reversed(moves):
        if champion and move.to_version == champion.version and move.from_version:
            return move.from_version
    raise UserError("there is no champion before this one: say which version, with --to VERSION.")


def diff(first: str, second: str, settings: Settings, root: Path) -> Parts:
    """Return what sets two versions apart: configuration and data, and all test scores.

    Raises:
        UserError: If there is no such version.
    """
    store = open_store(settings, root)
    cards = {version: _card(store, store.registry.get(version)) for version in (first, second)}
    flat = {version: dict(leaves(card)) for version, card in cards.items()}
    table = pd.DataFrame(flat).astype(object)
    table = table.where(table.notna(), "-").astype(str)
    scores = table.index.str.startswith("training.test.")
    differs = table[first] != table[second]
    changed = table[differs & ~scores].reset_index(names="")
    parts: Parts = [("Configuration and data", changed if len(changed) else "the same")]
    return [*parts, ("Test scores", table[scores].reset_index(names=""))]


def card(version: str | None, settings: Settings, root: Path, files: Layout) -> Parts:
    """Return the card of a version, and leave it as Markdown and JSON in the output folder.

    Args:
        version: Which; none: the champion.
        settings: Whose model.
        root: The project's folder.
        files: Where it is written to.

    Raises:
        UserError: If there is no such version, or no champion.
    """
    store = open_store(settings, root)
    found = store.registry.get(version) if version else store.registry.champion()
    if found is None:
        raise UserError(f"{store.registry.name} has no champion: say which version.")
    content = _card(store, found)
    text = to_markdown(content)
    write_json(files.write(CARD), content)
    with replacing(files.write(CARD_PAGE)) as aside:
        aside.write_text(text, encoding="utf-8")
    return [(found.label, text), ("Written", str(files.write(CARD_PAGE)))]


def _card(store: Store, version: ModelVersion) -> dict[str, Any]:
    with store.registry.download(version) as model:
        content: dict[str, Any] = json.loads((model / CARD).read_text(encoding="utf-8"))
    return content
