"""The stages of the pipeline, one value each: what dvc.yaml declares is held against them.

A stage's own module does its work and is imported when its turn comes: the others need no
TensorFlow. To add one, write its module and add a value here and a stage to dvc.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Annotated, Any, ClassVar

from pydantic import Field

from restock.data.inputs import check_inputs, hashes
from restock.settings.base import Frozen, View
from restock.settings.baselines import BaselineSettings
from restock.settings.costs import CostSettings
from restock.settings.engine import EngineSettings
from restock.settings.evaluation import EvaluationSettings
from restock.settings.features import FeatureSettings
from restock.settings.folds import FoldSettings
from restock.settings.inventory import InventorySettings
from restock.settings.model import ModelSettings
from restock.settings.panel import PanelSettings
from restock.settings.search import SearchSettings
from restock.settings.source import SourceSettings
from restock.settings.sweep import SweepSettings
from restock.settings.training import TrainingSettings
from restock.settings.windows import WindowSettings
from restock.tracking.context import Context
from restock.tracking.record import log_origin, with_inputs
from restock.training.view import TrainingView
from restock.types import layout
from restock.types.layout import Layout


class FetchedData(View):
    """What of ``data`` says where the table is."""

    source: SourceSettings
    """Where the raw table comes from."""


class FetchView(View):
    """What stage fetch reads."""

    data: FetchedData
    """Where the table is."""


class PrepareView(View):
    """What stage prepare reads."""

    data: PanelSettings
    """How raw rows become a panel."""
    evaluation: FoldSettings
    """Where the panel will be cut: no derived column reads beyond."""


class FeaturizeView(View):
    """What stage featurize reads."""

    evaluation: FoldSettings
    """Where the training ends."""
    features: FeatureSettings
    """Which features."""


class TuneView(View):
    """What stage tune reads."""

    engine: EngineSettings
    """Who does the work."""
    evaluation: FoldSettings
    """The tuning folds."""
    features: FeatureSettings
    """What the network is shown."""
    model: ModelSettings
    """The network, as configured: its values are the first trial."""
    search: SearchSettings
    """What is searched, and how."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Where all random numbers start from."""
    sweep: SweepSettings = SweepSettings()
    """How the sweep is called."""
    training: TrainingSettings
    """How a trial is fitted."""
    windows: WindowSettings
    """How much history one sequence holds."""


class ForecastFolds(FoldSettings, View):
    """What of ``evaluation`` a forecast reads."""

    baselines: BaselineSettings
    """The simple forecasts, one of which may have been chosen."""


class EvaluateView(View):
    """What stage evaluate reads."""

    evaluation: EvaluationSettings
    """The test, and what stands beside the bundle in it."""
    inventory: CostSettings
    """What stocking by a forecast would have cost."""


class ForecastView(View):
    """What stage forecast reads."""

    evaluation: ForecastFolds
    """Where the training ended, and the simple forecasts."""


class PlanView(View):
    """What stage plan reads."""

    inventory: InventorySettings
    """The replenishment policy."""


@dataclass(frozen=True)
class Stage:
    """A step that reads files and settings, writes files, and has no other effect.

    Attributes:
        name: Of its module in stages/, its command and its stage in dvc.yaml.
        view: The settings it reads: its params in dvc.yaml, and nothing else.
        reads: What it reads of the output folder: its deps there.
        writes: What it writes: its outs, metrics and plots.
    """

    logged: ClassVar[bool] = False  # whether it opens runs

    name: str
    view: type[Frozen]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def run(self, context: Context[Any]) -> Any:
        """Do it; return what its module hands over.

        Args:
            context: Whose settings hold at least what its view has.

        Raises:
            IntegrityError: If the pipeline runs it and an input is not what the pipeline wrote.
        """
        inputs = self.inputs(context.files) if self.logged or context.from_pipeline else {}
        if context.from_pipeline:
            check_inputs(inputs, context.files.root, context.root)
        return self._work(context, inputs)

    def inputs(self, files: Layout) -> dict[str, str]:
        """Return the hash of each input that is there, by name; that reads all of them."""
        return hashes(self.reads, files.root)

    def _work(self, context: Context[Any], _: Mapping[str, str]) -> Any:
        return import_module(f"restock.stages.{self.name}").run(context.narrowed(self.view))


@dataclass(frozen=True)
class LoggedStage(Stage):
    """A stage with a run of its own.

    Attributes:
        keeps: What of its outputs is kept with the run.
    """

    logged: ClassVar[bool] = True

    keeps: tuple[str, ...]

    def _work(self, context: Context[Any], inputs: Mapping[str, str]) -> Any:
        origin = with_inputs(context.origin, inputs, context.root)
        with context.tracker.child(self.name) as run:
            run.set_tags({"restock.command": self.name})
            log_origin(run, origin)
            found = super()._work(replace(context, tracker=run, origin=origin), inputs)
            for name in self.keeps:
                run.log_artifact(context.files.write(name))
        return found


@dataclass(frozen=True)
class SweepStage(Stage):
    """A stage that is a sweep: it opens its run itself, which may have been begun before."""

    logged: ClassVar[bool] = True

    def _work(self, context: Context[Any], inputs: Mapping[str, str]) -> Any:
        origin = with_inputs(context.origin, inputs, context.root)
        return super()._work(replace(context, origin=origin), inputs)


SCORES = (layout.METRICS, layout.LEADERBOARD, layout.STEP_SCORES, layout.SEGMENT_SCORES)
EVALUATION = (
    *SCORES, layout.CALIBRATION, layout.LOSSES, layout.LOST_SALES, layout.IMPORTANCE, layout.REPORT,
)  # fmt: skip

PIPELINE: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("fetch", FetchView, (), (layout.RAW,)),
        Stage("prepare", PrepareView, (layout.RAW,), (layout.PANEL, layout.PREPARE_REPORT)),
        Stage("featurize", FeaturizeView, (layout.PANEL,), (layout.FEATURES,)),
        SweepStage("tune", TuneView, (layout.PANEL,), (layout.TUNING, layout.TUNING_TRIALS)),
        LoggedStage(
            "train",
            TrainingView,
            (layout.PANEL, layout.FEATURES, layout.TUNING),
            layout.TRAINED,
            layout.TRAINED,
        ),
        LoggedStage(
            "evaluate",
            EvaluateView,
            (layout.PANEL, layout.BUNDLE),
            (*EVALUATION, layout.BACKTEST),
            EVALUATION,
        ),
        Stage(
            "forecast",
            ForecastView,
            (layout.PANEL, layout.BUNDLE, layout.METRICS),
            (layout.FORECAST, layout.FORECAST_TOTALS, layout.FORECAST_INFO),
        ),
        Stage(
            "plan",
            PlanView,
            (layout.PANEL, layout.FORECAST, layout.FORECAST_INFO),
            (layout.PLAN, layout.PLAN_METRICS),
        ),
    )
}
