"""Stage fetch: copy the raw table from its source. Nothing changes it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restock.data.sources.kinds import open_source
from restock.data.sources.source import fetch
from restock.types import layout

if TYPE_CHECKING:
    from restock.stages.pipeline import FetchView
    from restock.tracking.context import Context


def run(context: Context[FetchView]) -> None:
    """Write the raw folder."""
    settings = context.settings.data.source
    fetched = fetch(open_source(settings), context.files.write(layout.RAW))
    for note in fetched.notes:
        context.console.note(note)
    size, digest = f"{fetched.size / 1e6:.1f} MB", fetched.digest[:12]
    context.console.note(f"fetched {settings.kind} source: {size} (sha256 {digest})")
