"""Settings of a data set: where its table lies, and how it becomes a panel."""

from __future__ import annotations

from restock.settings.base import Country
from restock.settings.panel import PanelSettings
from restock.settings.source import SourceSettings


class DataSettings(PanelSettings):
    """One data set: its source, its columns' roles and the rules that turn it into a panel."""

    name: str
    """Name of the data set in runs. It is also the default name of the registered model."""

    description: str = ""
    """A sentence about the data set, for the card of a model."""

    country: Country = None
    """Code of the country whose public holidays influence demand, for ``features.holidays``;
    null: no holidays.
    """

    price: str | None = None
    """The observed or known-future column with the price of a unit, for ``inventory.unit_value``;
    null: none.
    """

    source: SourceSettings
    """Where the raw table comes from."""
