"""Show the card of a version: what it was made from, how, and what it may be used for."""

from __future__ import annotations

from restock.champions.card import CARD, CARD_PAGE, to_markdown
from restock.champions.store import open_store
from restock.champions.view import ChampionView
from restock.commands.arguments import Arguments
from restock.data.files import replacing, write_json
from restock.errors import UserError
from restock.tracking.context import Context
from restock.tracking.protocol import Parts


def run(context: Context[ChampionView], arguments: Arguments) -> Parts:
    """Return the card of a version, or of the champion. Also write it as Markdown and JSON.

    Raises:
        UserError: If there is no such version, or no champion.
    """
    store, files = open_store(context.settings.tracking, context.root), context.files
    names, registry = arguments.names, store.registry
    found = registry.get(names[0]) if names else registry.champion()
    if found is None:
        raise UserError(
            f"{registry.name} has no champion yet. Name a version: restock card VERSION."
        )
    content = store.card_of(found)
    text = to_markdown(content)
    write_json(files.write(CARD), content)
    with replacing(files.write(CARD_PAGE)) as aside:
        aside.write_text(text, encoding="utf-8")
    return [(found.label, text), ("Written", str(files.write(CARD_PAGE)))]
