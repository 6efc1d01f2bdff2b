"""Send the runs that wait on disk to the tracking server."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from restock.commands.arguments import Arguments
from restock.commands.views import SyncView
from restock.data.files import read_json
from restock.errors import UnreachableError
from restock.settings.tracking import TrackingSettings
from restock.tracking.context import Context
from restock.tracking.mlflow.sender import Sender, drain, sending
from restock.tracking.protocol import Parts
from restock.tracking.spool import SPOOL, Spool

PATIENCE = 30.0  # seconds for a server that does not answer


def run(context: Context[SyncView], _: Arguments) -> Parts:
    """Send all waiting runs. What was sent before is not sent again.

    Raises:
        UnreachableError: If something could not be sent.
    """
    console, spool = context.console, Spool(context.root / SPOOL)
    waiting = len(spool.waiting())
    sender = Sender(spool, context.settings.tracking, context.root)
    if drain(sender, console.note, PATIENCE):
        raise UnreachableError(
            "some runs could not be sent. They are still on disk: run `restock sync` again later."
        )
    console.note(f"{waiting - len(spool.waiting())} run(s) sent, {len(spool.waiting())} still open")
    return []


def main(arguments: Sequence[str]) -> None:
    """Send the runs of one node of a cluster until its worker ends, which closes stdin.

    Args:
        arguments: Path of the job's file.
    """
    job = read_json(Path(arguments[0]))
    tracking = TrackingSettings.model_validate(job["tracking"])
    sender = Sender(Spool(Path(job["spool"])), tracking, Path(job["folder"]))
    with sending(sender, lambda line: print(line, file=sys.stderr)):  # noqa: T201
        os.read(0, 1)


if __name__ == "__main__":
    main(sys.argv[1:])
