"""Settings of the windows: how sequences are cut out of the history."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import Frozen


class WindowSettings(Frozen):
    """How much history one sequence holds and how many forecast origins it trains."""

    lookback: Annotated[int, Field(ge=1)] = 104
    """Periods of history in one sequence."""

    min_context: Annotated[int, Field(ge=1)] = 8
    """Periods of history that a forecast origin needs to be trained, its own included; a series
    with no more teaches only where none has more.
    """

    num_origins: Annotated[int, Field(ge=1)] = 26
    """Most forecast origins that one sequence trains in one pass."""
