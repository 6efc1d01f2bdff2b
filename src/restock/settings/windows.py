"""Settings of the windows: how sequences are cut from the history."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import Frozen


class WindowSettings(Frozen):
    """The length of a sequence, and the number of its forecast origins in training."""

    lookback: Annotated[int, Field(ge=1)] = 39
    """Periods of history in one sequence. Older history arrives through the anchors. null in a
    configuration: a default for the frequency.
    """

    min_context: Annotated[int, Field(ge=1)] = 8
    """Periods of history, the origin included, that an origin needs to be used in training. A
    series with no more than this is used only if no series has more.
    """

    num_origins: Annotated[int, Field(ge=1)] = 8
    """Largest number of forecast origins per sequence. More of them see the same periods again:
    they take time and teach little (docs/decisions/0023).
    """
