"""Commands of restock as if they were typed: real processes that start at once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from restock.cli import main
from support import forked

ROOT = Path(__file__).parents[2]
INHERITED = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "RESTOCK_PIPELINE")


def restock(*arguments: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with no store that is inherited."""
    own = {name: value for name, value in os.environ.items() if name not in INHERITED}
    return forked.run(main.__name__, arguments, cwd, own | env)
