"""Settings of the folds: which origins are tuned on and tested on, and how far ahead."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restock.settings.base import Frozen


class FoldSettings(Frozen):
    """Where the history is cut."""

    horizon: Annotated[int, Field(ge=1)] = 4
    """Periods that every forecast reaches ahead."""

    num_folds: Annotated[int, Field(ge=1)] = 3
    """How many origins are tested; the last one leaves exactly one horizon."""

    stride: Annotated[int, Field(ge=1)] = 4
    """Periods between two test origins."""

    num_tuning_folds: Annotated[int, Field(ge=1)] = 2
    """How many folds of one horizon each lie before the test, to tune on; fewer if the history is
    too short.
    """

    align: Literal["calendar", "series_end"] = "calendar"
    """Whether all series are tested on the same periods, or each on its own last ones."""
