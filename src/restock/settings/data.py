"""Settings of a data set: where its table lies, and how it becomes a panel."""

from __future__ import annotations

from restock.settings.panel import PanelSettings
from restock.settings.source import SourceSettings


class DataSettings(PanelSettings):
    """One data set: its source, its columns' roles and the rules that turn it into a panel."""

    name: str
    """What the data set is called in runs; a model is registered under it unless told otherwise."""

    description: str = ""
    """A sentence about the data set, for the card of a model."""

    country: str | None = None
    """Country code whose public holidays move demand, for ``features.holidays``; null: none."""

    price: str | None = None
    """The observed column that prices a unit, for ``inventory.unit_value``; null: none does."""

    source: SourceSettings
    """Where the raw table comes from."""
