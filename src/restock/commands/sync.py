"""Send the runs that wait on disk to the tracking server."""

from __future__ import annotations

from pathlib import Path

from restock.config import Settings
from restock.errors import UnreachableError
from restock.tracking.mlflow.sender import Sender, drain
from restock.tracking.spool import Spool
from restock.types.tracking import Console

PATIENCE = 30.0  # seconds for a server that does not answer


def run(settings: Settings, folder: Path, root: Path, console: Console) -> None:
    """Send all that waits; what was sent before is not sent twice.

    Args:
        settings: Where the tracking server is.
        folder: The spool's.
        root: The project's.
        console: Told what was sent.

    Raises:
        UnreachableError: If something could not be sent.
    """
    spool = Spool(folder)
    waiting = len(spool.waiting())
    if drain(Sender(spool, settings.tracking, root), console.note, PATIENCE):
        raise UnreachableError("not everything could be sent; nothing is lost. Try again later.")
    console.note(f"{waiting - len(spool.waiting())} run(s) sent, {len(spool.waiting())} still open")
