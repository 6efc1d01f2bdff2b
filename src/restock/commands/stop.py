"""Stop a sweep after the current steps."""

from __future__ import annotations

import getpass
import socket
import time
from contextlib import closing

from restock.commands.arguments import Arguments
from restock.commands.views import SweepsView
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.places import study_url
from restock.tracking.context import Context
from restock.tracking.protocol import Parts


def run(context: Context[SweepsView], arguments: Arguments) -> Parts:
    """Ask every worker of a sweep, on every machine, to release its trial and end."""
    (name,), engine = arguments.names, context.settings.engine
    with closing(OpenStudy.open(study_url(engine, context.root), name, engine)) as opened:
        who = f"{getpass.getuser()} on {socket.gethostname()}"
        opened.stop(f"by {who} at {time.strftime('%Y-%m-%d %H:%M:%S')}")
    context.console.note(
        f"{name} stops after the current steps. To continue it, run `restock resume {name}`."
    )
    return []
