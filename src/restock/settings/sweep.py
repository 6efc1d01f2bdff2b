"""How a sweep is called."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import Frozen

FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class SweepSettings(Frozen):
    """How a sweep is called; no name: after its search and what it depends on."""

    name: Annotated[str | None, Field(pattern=FILE_NAME)] = None
    """Name of the sweep, fit for a file; null: its search's name (``grid`` for a grid of
    trainings) and a digest of what it depends on.
    """
