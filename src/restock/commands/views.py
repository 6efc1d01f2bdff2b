"""What typed commands read of the settings; stages have their views in stages/pipeline.py."""

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
from restock.training.view import Threads, TrainedOn


class SyncView(View):
    """What sending runs reads."""

    tracking: TrackingSettings
    """Where the server is."""


class SummaryView(SyncView):
    """What the closing summary reads."""


class SweepsView(View):
    """What looking at sweeps reads."""

    engine: EngineSettings
    """Where they are kept."""


class CompareView(SweepsView):
    """What comparing sweeps and runs reads."""

    tracking: TrackingSettings
    """Where runs are logged."""


class ExplainView(View):
    """What explaining a series reads."""

    evaluation: FoldSettings
    """Where the forecast of the coming horizon starts."""


class TrialsView(View):
    """What training on the tuning folds reads."""

    features: FeatureSettings
    """What the network is shown."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How it is fitted."""
    evaluation: TrainedOn
    """Where the history is cut."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Where all random numbers start from."""


class SelectView(TrialsView):
    """What selecting features reads."""

    engine: Threads = Threads()
    """How networks are computed."""
    selection: SelectionSettings = SelectionSettings()
    """How features are ranked and dropped."""


class PreflightView(TrialsView):
    """What a sweep reads, and estimating it."""

    engine: EngineSettings
    """Who will do the work."""
    search: SearchSettings
    """How much work there will be."""
    sweep: SweepSettings = SweepSettings()
    """How the sweep is called."""


class RunView(View):
    """What the whole path reads: what all of its stages do."""

    data: DataSettings
    """Which table, what its columns mean and how it is cleaned."""
    features: FeatureSettings
    """What the model is shown beside the demand itself."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How it is fitted."""
    search: SearchSettings
    """What the tuner may change."""
    evaluation: EvaluationSettings
    """Which periods judge, and the baselines."""
    inventory: InventorySettings
    """Lead time, service level and costs."""
    tracking: TrackingSettings
    """Where runs are logged."""
    engine: EngineSettings
    """Workers and threads, and where a sweep is kept."""
    sweep: SweepSettings = SweepSettings()
    """How the sweep is called."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Where all random numbers start from."""
