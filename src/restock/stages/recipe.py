"""From settings to what the LSTM is trained with."""

from __future__ import annotations

from restock.config import Settings
from restock.forecasters.lstm.fit import LstmRecipe


def lstm_recipe(settings: Settings) -> LstmRecipe:
    """Collect the settings that decide what is trained."""
    return LstmRecipe(
        features=settings.features,
        windows=settings.windows,
        model=settings.model,
        training=settings.training,
        horizon=settings.evaluation.horizon,
        seed=settings.seed,
    )
