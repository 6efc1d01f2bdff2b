"""Settings of promotion: what a challenger must show to become champion."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from restock.settings.base import Frozen, as_tuple


class PromotionSettings(Frozen):
    """The gates between a challenger and the champion's place; one that is null stands open."""

    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    """Share of resamples in which the challenger must lose less than each rival; 0.95: surely."""

    num_resamples: Annotated[int, Field(ge=100)] = 2000
    """Resamples of the paired bootstrap over series and origins."""

    min_segment_share: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Share of demand that a segment must hold to be looked at."""

    max_segment_increase: Annotated[float, Field(ge=0)] | None = 0.25
    """Most that a segment's loss may lie above the champion's, as a share of it; null: any."""

    max_cost_increase: Annotated[float, Field(ge=0)] | None = 0.05
    """Most that the inventory cost may lie above the champion's, as a share of it; null: any."""

    max_bias: Annotated[float, Field(ge=0)] | None = 0.5
    """Largest bias of the point forecast, either way, as a share of demand; null: any."""

    coverage_80: Annotated[tuple[float, float], BeforeValidator(as_tuple)] | None = (0.6, 0.95)
    """Least and most of the points that may lie in the 80 % interval, as shares; null: any."""

    max_latency: Annotated[float, Field(gt=0)] | None = None
    """Most milliseconds to forecast one series; null: any."""

    max_size: Annotated[float, Field(gt=0)] | None = None
    """Largest size of the bundle, in megabytes; null: any."""

    allow_new_signature: bool = False
    """Whether columns, frequency, horizon or levels may differ from the champion's."""
