"""Views: the settings that commands read. Those of stages are in stages/pipeline.py."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from restock.settings.base import View
from restock.settings.data import DataSettings
from restock.settings.engine import EngineSettings
from restock.settings.evaluation import EvaluationSettings
from restock.settings.features import FeatureSettings
from restock.settings.folds import FoldSettings
from restock.settings.inventory import InventorySettings
from restock.settings.model import ModelSettings
from restock.settings.search import SearchSettings
from restock.settings.selection import SelectionSettings
from restock.settings.sweep import SweepSettings
from restock.settings.tracking import TrackingSettings
from restock.settings.training import TrainingSettings
from restock.settings.windows import WindowSettings
from restock.stages.pipeline import PlanTables
from restock.training.view import Threads


class SyncView(View):
    """The settings for sending runs."""

    tracking: TrackingSettings
    """Where the server is."""


class ValidateView(View):
    """The settings for checking a table."""

    data: DataSettings
    """Which table, what its columns mean, and the policy of each rule."""
    evaluation: FoldSettings
    """Where the panel would be cut."""
    inventory: PlanTables = PlanTables()
    """The tables of the plan."""


class SummaryView(SyncView):
    """The settings for the summary."""


class SweepsView(View):
    """The settings for commands about sweeps."""

    engine: EngineSettings
    """Where sweeps are stored."""


class CompareView(SweepsView):
    """The settings for comparing sweeps and runs."""

    tracking: TrackingSettings
    """Where runs are logged."""


class ExplainView(View):
    """The settings for explaining a series."""

    evaluation: FoldSettings
    """Where the forecast of the future starts."""


class TrialsView(View):
    """The settings for training on the tuning folds."""

    features: FeatureSettings
    """The network's inputs besides the demand itself."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How the network is fitted."""
    evaluation: EvaluationSettings
    """Where the history is cut."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Seed of all random numbers."""


class SelectView(TrialsView):
    """The settings for selecting features."""

    engine: Threads = Threads()
    """Number of threads."""
    selection: SelectionSettings = SelectionSettings()
    """How features are ranked and dropped."""


class PreflightView(TrialsView):
    """The settings for a sweep, or for its estimate."""

    engine: EngineSettings
    """Workers and threads."""
    search: SearchSettings
    """The search space, the tuner and the number of trials."""
    sweep: SweepSettings = SweepSettings()
    """The name of the sweep."""


class RunView(View):
    """The settings of all stages together."""

    data: DataSettings
    """Which table, what its columns mean and how it is cleaned."""
    features: FeatureSettings
    """The model's inputs besides the demand itself."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How the network is fitted."""
    search: SearchSettings
    """What the tuner may change."""
    evaluation: EvaluationSettings
    """Which periods are used to test and to tune, and the baselines."""
    inventory: InventorySettings
    """Lead time, service level and costs."""
    tracking: TrackingSettings
    """Where runs are logged."""
    engine: EngineSettings
    """Workers and threads, and where a sweep is stored."""
    sweep: SweepSettings = SweepSettings()
    """The name of the sweep."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Seed of all random numbers."""
