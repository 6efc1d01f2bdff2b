"""The settings that a whole training reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import View
from restock.settings.evaluation import EvaluationSettings
from restock.settings.features import FeatureSettings
from restock.settings.model import ModelSettings
from restock.settings.search import Dimension
from restock.settings.training import TrainingSettings
from restock.settings.windows import WindowSettings


class Threads(View):
    """The part of ``engine`` that a training reads."""

    num_threads: Annotated[int, Field(ge=0)] = 1
    """Threads inside one operation of the network; 0: the backend chooses."""


class Space(View):
    """The part of ``search`` that a training reads."""

    space: dict[str, Dimension]
    """The settings that may be tuned; their values are logged."""


class TrainingView(View):
    """A recipe, the folds, and the search space."""

    features: FeatureSettings
    """The models' inputs besides the demand itself."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How the network is fitted."""
    evaluation: EvaluationSettings
    """Where the history is cut, and which baselines may be mixed in."""
    engine: Threads = Threads()
    """Number of threads."""
    search: Space
    """The settings that may be tuned."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Seed of all random numbers."""
