"""Show how two versions differ: configuration and data, and all test scores."""

from __future__ import annotations

import pandas as pd

from restock.champions.store import open_store
from restock.champions.view import ChampionView
from restock.commands.arguments import Arguments
from restock.settings.base import leaves
from restock.tracking.context import Context
from restock.tracking.protocol import Parts


def run(context: Context[ChampionView], arguments: Arguments) -> Parts:
    """Return the differences between the cards of two versions.

    Raises:
        UserError: If there is no such version.
    """
    first, second = arguments.names
    store = open_store(context.settings.tracking, context.root)
    cards = {name: store.card_of(store.registry.get(name)) for name in (first, second)}
    flat = {name: dict(leaves(card)) for name, card in cards.items()}
    table = pd.DataFrame(flat).astype(object)
    table = table.where(table.notna(), "-").astype(str)
    scores = table.index.str.startswith("training.test.")
    differs = table[first] != table[second]
    changed = table[differs & ~scores].reset_index(names="")
    parts: Parts = [("Configuration and data", changed if len(changed) else "the same")]
    return [*parts, ("Test scores", table[scores].reset_index(names=""))]
