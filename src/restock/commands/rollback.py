"""Make an earlier champion champion again."""

from __future__ import annotations

from restock.champions.moves import Move
from restock.champions.registry import ModelVersion
from restock.champions.store import open_store
from restock.champions.view import ChampionView
from restock.commands.arguments import Arguments
from restock.errors import UserError
from restock.tracking.context import Context
from restock.tracking.protocol import Parts


def run(context: Context[ChampionView], arguments: Arguments) -> Parts:
    """Verify an earlier version again, and make it champion again.

    ``--to`` names the version. Without it, the version is the previous champion.

    Raises:
        UserError: If there is no earlier champion, or no such version.
        IntegrityError: If its files are not the ones that were registered.
        ConflictError: If somebody else made a champion in the meantime.
    """
    store = open_store(context.settings.tracking, context.root)
    moves = store.history.carry_through()
    champion = store.registry.champion()
    version = store.registry.get(arguments.flags.get("--to") or _before(moves, champion))
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
        commit=context.origin.commit,
        run_id=version.run_id,
        metrics=metrics,
    )
    store.history.move(champion.version if champion else None, move)
    context.console.note(f"{version.label} is champion again (was {left})")
    return []


def _before(moves: list[Move], champion: ModelVersion | None) -> str:
    """Return the previous champion."""
    for move in reversed(moves):
        if champion and move.to_version == champion.version and move.from_version:
            return move.from_version
    raise UserError("there is no champion before this one. Name a version with --to VERSION.")
