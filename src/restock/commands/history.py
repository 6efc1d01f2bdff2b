"""Show which version is champion, and which were. The local mirror needs no MLflow or pandas."""

from __future__ import annotations

from restock.champions.moves import mirror_of
from restock.champions.view import ChampionView
from restock.commands.arguments import Arguments
from restock.tracking.context import Context
from restock.tracking.protocol import Parts


def run(context: Context[ChampionView], arguments: Arguments) -> Parts:
    """Return every champion with its time, newest first.

    With ``--refresh`` the tracking server is read; else the local mirror, which needs no server.
    """
    tracking, refresh = context.settings.tracking, "--refresh" in arguments.flags
    name = tracking.model_name
    if refresh:
        from restock.champions.store import open_store

        moves = open_store(tracking, context.root).history.carry_through()
    else:
        moves = mirror_of(context.root, name).read()
    if not moves:
        hint = "" if refresh else "; `restock history --refresh` asks the tracking server"
        return [(f"Champions of {name}", f"none yet{hint}")]
    until = [*(move.at for move in moves[1:]), "now"]
    rows = [
        {
            "move": move.number,
            "version": move.to_version or "-",
            "from": _minute(move.at),
            "until": _minute(end),
            "how": move.kind,
            "wql": move.metrics.get("wql", float("nan")),
            "data": move.data[:8],
            "commit": _short(move.commit),
            "who": move.who,
        }
        for move, end in zip(moves, until, strict=True)
    ]
    why = "\n".join(f"{move.number}: {move.reason}" for move in moves[::-1])
    return [(f"Champions of {name}", rows[::-1]), ("Why, by move", why)]


def _short(commit: str) -> str:
    """Return the first characters of a commit, with a plus if files were changed since."""
    return commit[:8] + ("+" if commit.endswith("-dirty") else "")


def _minute(moment: str) -> str:
    """Return a time in a readable form: UTC, to the minute."""
    return moment[:16].replace("T", " ")
