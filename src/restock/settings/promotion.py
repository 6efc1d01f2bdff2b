"""Settings of promotion: what a challenger must show to become champion."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from restock.settings.base import Frozen, as_tuple


class PromotionSettings(Frozen):
    """The gates: conditions that a challenger must meet. A gate set to null is not checked."""

    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    """Share of resamples in which the challenger must have a lower loss than each rival. 0.95
    asks for strong evidence.
    """

    num_resamples: Annotated[int, Field(ge=100)] = 2000
    """Number of resamples of the paired bootstrap over series and origins."""

    min_segment_share: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Smallest share of demand of a segment; smaller segments are not checked."""

    max_segment_increase: Annotated[float, Field(ge=0)] | None = 0.25
    """Largest allowed increase of a segment's loss, as a share of the champion's; null: any."""

    max_cost_increase: Annotated[float, Field(ge=0)] | None = 0.05
    """Largest allowed increase of the inventory cost, as a share of the champion's; null: any."""

    max_bias: Annotated[float, Field(ge=0)] | None = 0.5
    """Largest allowed bias of the point forecast, up or down, as a share of demand; null: any."""

    coverage_80: Annotated[tuple[float, float], BeforeValidator(as_tuple)] | None = (0.6, 0.95)
    """Smallest and largest allowed share of actuals inside the 80 % interval; null: any."""

    max_latency: Annotated[float, Field(gt=0)] | None = None
    """Longest allowed time to forecast one series, in milliseconds; null: any."""

    max_size: Annotated[float, Field(gt=0)] | None = None
    """Largest allowed size of the bundle, in megabytes; null: any."""

    allow_new_signature: bool = False
    """Whether columns, frequency, horizon or levels may differ from the champion's."""
