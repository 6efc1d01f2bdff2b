"""The table of all stages. A test compares dvc.yaml with it.

A stage's module is imported only when the stage runs, because most stages need no TensorFlow. To
add a stage, write its module, a value here and a stage in dvc.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Annotated, Any, ClassVar

from pydantic import Field

from restock.data.inputs import check_inputs, hashes
from restock.settings.base import Frozen, View
from restock.settings.costs import CostSettings
from restock.settings.engine import EngineSettings
from restock.settings.evaluation import EvaluationSettings, LossSettings
from restock.settings.features import FeatureSettings
from restock.settings.folds import Align, FoldSettings
from restock.settings.inventory import InventorySettings, StockSettings
from restock.settings.model import ModelSettings
from restock.settings.panel import PanelSettings
from restock.settings.search import SearchSettings
from restock.settings.source import SourceSettings, TableForm
from restock.settings.sweep import SweepSettings
from restock.settings.training import TrainingSettings
from restock.settings.windows import WindowSettings
from restock.tracking.context import Context
from restock.tracking.record import log_origin, with_inputs
from restock.training.view import TrainingView
from restock.types import layout
from restock.types.layout import Layout


class FetchedData(View):
    """The part of ``data`` that stage fetch reads."""

    source: SourceSettings
    """Where the raw table comes from."""


class FetchView(View):
    """The settings of stage fetch."""

    data: FetchedData
    """The source of the table."""


class WrittenForm(TableForm, View):
    """The part of ``data.source`` that stage prepare reads."""


class PreparedData(PanelSettings, View):
    """Which column has which role, how the table is written, and how rows become demand."""

    source: WrittenForm
    """How the table is written."""


class PlanTables(StockSettings, View):
    """The part of ``inventory`` that stage prepare reads."""


class PrepareView(View):
    """The settings of stage prepare."""

    data: PreparedData
    """How raw rows become a panel."""
    evaluation: FoldSettings
    """Where the panel will be cut: derived static columns read nothing after an origin."""
    inventory: PlanTables = PlanTables()
    """The tables of the plan. They are checked before any training."""


class FeaturizeView(View):
    """The settings of stage featurize."""

    evaluation: FoldSettings
    """Where the training ends."""
    features: FeatureSettings
    """The features."""


class Searched(FoldSettings, LossSettings, View):
    """The part of ``evaluation`` that a sweep reads: its folds, and its loss."""


class TuneView(View):
    """The settings of stage tune."""

    engine: EngineSettings
    """Workers and threads, and where the sweep is stored."""
    evaluation: Searched
    """The tuning folds, and the loss on them."""
    features: FeatureSettings
    """The network's inputs besides the demand itself."""
    model: ModelSettings
    """The network. The first trial uses these values."""
    search: SearchSettings
    """The search space, the tuner and the objectives."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Seed of all random numbers."""
    sweep: SweepSettings = SweepSettings()
    """The name of the sweep."""
    training: TrainingSettings
    """How the network of a trial is fitted."""
    windows: WindowSettings
    """How much history one sequence holds."""


class Alignment(View):
    """The part of ``evaluation`` that stage forecast reads."""

    align: Align = "calendar"
    """From where each series is forecast."""


class EvaluateView(View):
    """The settings of stage evaluate."""

    evaluation: EvaluationSettings
    """The test, and the baselines."""
    inventory: CostSettings
    """The cost of stock, to compare forecasts by it."""


class ForecastView(View):
    """The settings of stage forecast."""

    evaluation: Alignment
    """From where each series is forecast."""


class PlanView(View):
    """The settings of stage plan."""

    inventory: InventorySettings
    """The replenishment policy."""


@dataclass(frozen=True)
class Stage:
    """A step that reads files and settings, and writes files. It has no other effect.

    Attributes:
        name: Name of its module in stages/, of its command and of its stage in dvc.yaml.
        view: The settings that it reads: the params in dvc.yaml.
        reads: The files that it reads from the output folder: the deps in dvc.yaml.
        writes: The files that it writes: the outs, metrics and plots in dvc.yaml.
    """

    logged: ClassVar[bool] = False  # whether it logs runs

    name: str
    view: type[Frozen]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def run(self, context: Context[Any]) -> Any:
        """Run the stage, and return what its module returns.

        Args:
            context: The context. Its settings must contain all settings of the view.

        Raises:
            IntegrityError: If the pipeline runs it, and an input is not what the pipeline wrote.
        """
        inputs = self.inputs(context.files) if self.logged or context.from_pipeline else {}
        if context.from_pipeline:
            check_inputs(inputs, context.files.root, context.root)
        return self._work(context, inputs)

    def inputs(self, files: Layout) -> dict[str, str]:
        """Return the hash of each existing input, by name. This reads all of these files."""
        return hashes(self.reads, files.root)

    def _work(self, context: Context[Any], _: Mapping[str, str]) -> Any:
        return import_module(f"restock.stages.{self.name}").run(context.narrowed(self.view))


@dataclass(frozen=True)
class LoggedStage(Stage):
    """A stage with its own run.

    Attributes:
        keeps: The outputs that are logged with the run.
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
    """A stage that is a sweep. It opens its run itself, because a resumed sweep has one already."""

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
        Stage(
            "prepare",
            PrepareView,
            (layout.RAW,),
            (layout.PANEL, layout.PREPARE_REPORT, layout.QUARANTINE),
        ),
        Stage("featurize", FeaturizeView, (layout.PANEL,), (layout.FEATURES,)),
        SweepStage("tune", TuneView, (layout.PANEL,), (layout.TUNING, layout.TUNING_TRIALS)),
        LoggedStage(
            "train",
            TrainingView,
            (layout.PANEL, layout.FEATURES, layout.TUNING),
            (*layout.TRAINED, layout.REFITS),
            layout.TRAINED,
        ),
        LoggedStage(
            "evaluate",
            EvaluateView,
            (layout.PANEL, layout.BUNDLE, layout.REFITS),
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
