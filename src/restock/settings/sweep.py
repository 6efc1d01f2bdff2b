"""Settings of a sweep: its name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import Frozen

FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class SweepSettings(Frozen):
    """The name of a sweep."""

    name: Annotated[str | None, Field(pattern=FILE_NAME)] = None
    """Name of the sweep; it must be a valid file name. null: the name of its search (``grid`` for
    a grid of trainings) and a digest of what the sweep depends on.
    """
