"""Stage fetch: bring the raw table, which nothing changes afterwards."""

from __future__ import annotations

from restock.data import sources
from restock.settings.tree import Settings
from restock.tracking.context import Context
from restock.types import layout


def run(settings: Settings, context: Context) -> None:
    """Write the raw folder."""
    target = context.layout.write(layout.RAW)
    sources.fetch(settings.data.source, target)
    size = sum(path.stat().st_size for path in target.iterdir())
    context.console.note(f"fetched {settings.data.source.kind} source: {size / 1e6:.1f} MB")
