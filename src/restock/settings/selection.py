"""Settings of the selection of features."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from restock.settings.base import Frozen


class SelectionSettings(Frozen):
    """How `restock select` drops features, step by step."""

    method: Literal["elimination", "importance"] = "elimination"
    """Whether features are ranked anew at each step, or once, with all of them."""

    share_dropped: Annotated[float, Field(gt=0, lt=1)] = 0.33
    """Share of the features left that each step drops."""

    tolerance: Annotated[float, Field(ge=0)] = 0.01
    """Most that the loss of fewer features may lie above the lowest, as a share of it."""
