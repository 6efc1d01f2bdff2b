"""Settings of the features: what is made of the history, the calendar and the static columns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import Frozen, Integers, Names


class FeatureSettings(Frozen):
    """What the model is shown beside the demand itself."""

    calendar: Names = ("day", "week", "month", "quarter")
    """Cycles that a period is placed in: ``hour``, ``day`` (of the week), ``day_of_month``,
    ``week``, ``month``, ``quarter``. One that the frequency cannot move says nothing.
    """

    holidays: str | None = None
    """Country code of the `holidays` package whose public holidays are counted; null: none are."""

    lags: Integers
    """Periods back whose demand is shown; null in a configuration: what suits the frequency."""

    rolling_windows: Integers
    """Periods that mean and growth of demand are taken over, the longest for zeros and spread,
    too; null in a configuration: what suits the frequency.
    """

    seasonal_lag: Annotated[int, Field(ge=0)]
    """Periods of a season, for the simple forecasts that the network weighs; 0: no season; null in
    a configuration: what suits the frequency.
    """

    scale_window: Annotated[int, Field(ge=1)]
    """Recent periods that the level of a series is read from; null in a configuration: what suits
    the frequency.
    """

    max_categories: Annotated[int, Field(ge=1)] = 30
    """Most categories of a static text column that are told apart; the rarer ones share one."""

    min_category_count: Annotated[int, Field(ge=1)] = 3
    """Series that a category must have to be told apart."""

    leave_out: Names = ()
    """Features not to be shown, by their names in importance.csv; `restock select` finds them."""
