"""What judging and moving champions reads of the settings."""

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
    """What looking at a registry reads."""

    tracking: TrackingSettings
    """Where the registry is, and what the model is called."""


class PromotionView(ChampionView):
    """What a promotion reads."""

    data: DataSettings
    """What the card says of the table."""
    evaluation: EvaluationSettings
    """The test that both are judged on."""
    inventory: InventorySettings
    """What stock costs; the policy that is served."""
    promotion: PromotionSettings = PromotionSettings()
    """The gates."""
    engine: EngineSettings
    """Where the sweep is kept whose winner is judged."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Of the resampling."""
