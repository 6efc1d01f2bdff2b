"""Views: the settings that commands about champions read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import View
from restock.settings.data import DataSettings
from restock.settings.engine import EngineSettings
from restock.settings.evaluation import EvaluationSettings
from restock.settings.inventory import InventorySettings
from restock.settings.promotion import PromotionSettings
from restock.settings.tracking import TrackingSettings


class ChampionView(View):
    """The settings for reading the registry."""

    tracking: TrackingSettings
    """Where the registry is, and the name of the model."""


class PromotionView(ChampionView):
    """The settings for a promotion."""

    data: DataSettings
    """The data set, for the card."""
    evaluation: EvaluationSettings
    """The test that challenger and champion are scored on."""
    inventory: InventorySettings
    """The cost of stock, and the policy of the served model."""
    promotion: PromotionSettings = PromotionSettings()
    """The gates."""
    engine: EngineSettings
    """Where sweeps are stored, to judge the best job of one."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Seed of the resampling."""
