"""Settings of the features, made from the history, the calendar and the static columns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import Country, Frozen, Integers, Names


class FeatureSettings(Frozen):
    """The model's inputs besides the demand itself."""

    calendar: Names = ("day", "week", "month", "quarter")
    """Calendar cycles: ``hour``, ``day`` (of the week), ``day_of_month``, ``week``, ``month``,
    ``quarter``. A period's place in each is a feature. A cycle that is constant at the data's
    frequency has no effect.
    """

    holidays: Country = None
    """Code of the country, in the `holidays` package, whose public holidays are counted; null: no
    holidays.
    """

    lags: Integers
    """Lags in periods: the demand so many periods ago is a feature. null in a configuration: a
    default for the frequency.
    """

    rolling_windows: Integers
    """Lengths of the rolling windows, in periods. Each gives the mean and the growth of demand;
    the longest also gives the share of zeros and the spread. null in a configuration: a default
    for the frequency.
    """

    seasonal_lag: Annotated[int, Field(ge=0)]
    """Periods in a season, for the anchors (the simple forecasts that the network weighs and
    corrects). 0: no season. null in a configuration: a default for the frequency.
    """

    scale_window: Annotated[int, Field(ge=1)]
    """Number of recent periods from which the level of a series is computed. null in a
    configuration: a default for the frequency.
    """

    max_categories: Annotated[int, Field(ge=1)] = 1000
    """Largest number of categories of a static text column; the rarer ones are put into one."""

    min_category_count: Annotated[int, Field(ge=1)] = 3
    """Smallest number of series in a category; a rarer category is put with the other rare ones."""

    leave_out: Names = ()
    """Features to leave out, by their names in importance.csv; `restock select` finds them."""
