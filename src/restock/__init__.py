"""restock: from demand history to forecasts, and from forecasts to replenishment decisions."""

__version__ = "0.1.0"
