"""Settings of the selection of features."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restock.settings.base import Frozen


class SelectionSettings(Frozen):
    """How `restock select` drops features, step by step."""

    method: Literal["elimination", "importance"] = "elimination"
    """``elimination``: features are ranked again at each step; ``importance``: they are ranked
    once, at the start.
    """

    share_dropped: Annotated[float, Field(gt=0, lt=1)] = 0.33
    """Share of the remaining features that each step drops."""

    tolerance: Annotated[float, Field(ge=0)] = 0.01
    """Largest allowed increase of the loss over the lowest one, as a share of it. The smallest
    set of features within it is chosen.
    """
