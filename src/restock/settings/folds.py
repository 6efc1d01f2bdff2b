"""Settings of the folds: the origins for tuning and for the test, and the horizon."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restock.settings.base import Frozen

Align = Literal["calendar", "series_end"]


class FoldSettings(Frozen):
    """Where the history is cut."""

    horizon: Annotated[int, Field(ge=1)] = 4
    """Number of periods in every forecast."""

    num_folds: Annotated[int, Field(ge=1)] = 3
    """Number of test origins. The last one is exactly one horizon before the end."""

    stride: Annotated[int, Field(ge=1)] = 4
    """Periods between two test origins."""

    num_tuning_folds: Annotated[int, Field(ge=1)] = 2
    """Number of tuning folds before the test, each one horizon long; fewer if the history is too
    short.
    """

    align: Align = "calendar"
    """``calendar``: all series are tested on the same periods; ``series_end``: each series is
    tested on its own last periods.
    """
