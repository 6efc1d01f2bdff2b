"""A project's own sweeps by name, read fast enough for a shell that completes them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from restock.sweeps.keys import SWEEP
from restock.sweeps.places import STUDY_FILE

# What summaries.py reads, too; here without a library that takes a second to import.
NAMES = """
SELECT study_name FROM studies JOIN study_user_attributes USING (study_id)
WHERE key = ? ORDER BY study_id
"""


def sweep_names(root: Path) -> list[str]:
    """Return the names of the sweeps in the project's file, in the order they were launched.

    Raises:
        sqlite3.Error: If there is no such file, or it cannot be read now.
    """
    uri = f"{(root / STUDY_FILE).resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=0.2)) as connection:
        return [str(name) for (name,) in connection.execute(NAMES, [SWEEP])]
