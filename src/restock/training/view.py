"""What a whole training reads of the settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import View
from restock.settings.baselines import BaselineSettings
from restock.settings.features import FeatureSettings
from restock.settings.folds import FoldSettings
from restock.settings.model import ModelSettings
from restock.settings.search import Dimension
from restock.settings.training import TrainingSettings
from restock.settings.windows import WindowSettings


class Threads(View):
    """What of ``engine`` a training reads."""

    num_threads: Annotated[int, Field(ge=0)] = 1
    """Threads inside one operation; 0: the backend's choice."""


class Space(View):
    """What of ``search`` a training reads."""

    space: dict[str, Dimension]
    """The settings that may have been tuned, which are logged."""


class TrainedOn(FoldSettings, View):
    """What of ``evaluation`` a training reads."""

    baselines: BaselineSettings
    """The simple forecasts that may be mixed in."""


class TrainingView(View):
    """A recipe, the folds that settle the rest of it, and what was searched."""

    features: FeatureSettings
    """What the models are shown beside the demand itself."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How it is fitted."""
    evaluation: TrainedOn
    """Where the history is cut, and what may be mixed in."""
    engine: Threads = Threads()
    """How it is computed."""
    search: Space
    """What may have been tuned."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Where all random numbers start from."""
