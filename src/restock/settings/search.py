"""Settings of the search: what the tuner may change, who proposes, and what is judged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from restock.errors import nearest
from restock.settings.base import Frozen, Names, as_tuple
from restock.settings.recipe import SWEEPABLE, sweepable_paths
from restock.settings.sweep import FILE_NAME


class Dimension(Frozen):
    """One hyperparameter: the settings path it moves and the values it may take."""

    path: str
    """The setting that is moved, such as ``model.units``."""

    kind: Literal["int", "float", "categorical"]
    """Whether it takes whole numbers, any numbers, or one of ``choices``."""

    low: float | None = None
    """Least value; null where there are choices."""

    high: float | None = None
    """Greatest value; null where there are choices."""

    step: float | None = None
    """Distance of neighbouring values, from ``low`` on; null: every whole number, or any number."""

    log: bool = False
    """Whether values are drawn evenly by their logarithm; it takes no step."""

    choices: Annotated[tuple[Any, ...], BeforeValidator(as_tuple)] = ()
    """The values of a categorical dimension."""

    @model_validator(mode="after")
    def _bounds(self) -> Dimension:
        if self.kind == "categorical":
            if not self.choices:
                raise ValueError(f"{self.path}: a categorical dimension needs choices")
        elif self.low is None or self.high is None or not self.low <= self.high:
            raise ValueError(f"{self.path}: needs low <= high")
        if self.log and self.step is not None:
            raise ValueError(f"{self.path}: a logarithmic range takes no step")
        if self.path not in sweepable_paths():
            raise ValueError(
                f"{self.path} cannot be swept (only {', '.join(SWEEPABLE)}*). "
                + nearest(self.path, sweepable_paths())
            )
        return self


class OptunaSettings(Frozen):
    """Optuna: what proposes the next trial, and what stops a bad one early."""

    name: Literal["optuna"] = "optuna"
    """Says that Optuna proposes."""

    sampler: Literal["tpe", "random", "grid", "cmaes", "gp", "qmc"] = "tpe"
    """How the next values are chosen; ``grid`` tries every combination of steps and choices."""

    pruner: Literal["median", "hyperband", "wilcoxon", "none"] = "median"
    """What stops a bad trial: by epoch, except ``wilcoxon``, which judges by fold at the end."""

    num_startup_trials: Annotated[int, Field(ge=0)] = 4
    """Trials before the sampler models what it has seen and the median pruner prunes."""

    num_warmup_epochs: Annotated[int, Field(ge=0)] = 2
    """First epochs of a trial in which it is never pruned, by median or Hyperband."""

    @property
    def method(self) -> str:
        """What chooses the next values."""
        return self.sampler


class KerasTunerSettings(Frozen):
    """Keras Tuner: the oracle that proposes the next trial. Hyperband sets its epochs, too."""

    name: Literal["keras_tuner"]
    """Says that Keras Tuner proposes."""

    oracle: Literal["random", "bayesian", "hyperband"] = "bayesian"
    """How the next values are chosen."""

    @property
    def method(self) -> str:
        """What chooses the next values."""
        return self.oracle

    @property
    def pruner(self) -> str:
        """What stops a bad trial: nothing does."""
        return "none"


TunerSettings = Annotated[OptunaSettings | KerasTunerSettings, Field(discriminator="name")]


# What a trial can be judged by; all of them are better when lower.
OBJECTIVES = ("wql", "inventory_cost", "latency", "size")


class SearchSettings(Frozen):
    """What the tuner may change, and how hard it tries."""

    name: Annotated[str, Field(pattern=FILE_NAME)]
    """What the search is called, and its sweeps after it."""

    num_trials: Annotated[int, Field(ge=1)] = 12
    """Most trials of a sweep; the first one takes the configured values, save in a grid."""

    num_seeds: Annotated[int, Field(ge=1)] = 1
    """Networks a fold, each with a seed of its own, whose losses are averaged."""

    objectives: Names = ("wql",)
    """What trials are judged by: ``wql``, ``inventory_cost``, ``latency`` (seconds to forecast all
    series), ``size`` (weights of the network); the first one chooses the winner.
    """

    max_identical_failures: Annotated[int, Field(ge=1)] = 3
    """Trials that fail alike in a row until the sweep stops."""

    tuner: TunerSettings = OptunaSettings()
    """Who proposes the values of a trial."""

    space: dict[str, Dimension]
    """The dimensions that are searched, by names of their own."""

    @model_validator(mode="after")
    def _known_objectives(self) -> SearchSettings:
        for name in self.objectives:
            if name not in OBJECTIVES:
                raise ValueError(f"no objective {name!r}. {nearest(name, OBJECTIVES)}")
        if not self.objectives or len(set(self.objectives)) < len(self.objectives):
            raise ValueError("objectives must hold at least one name, and each only once")
        if len(self.objectives) == 1:
            return self
        if isinstance(self.tuner, KerasTunerSettings):
            raise ValueError("Keras Tuner takes one objective; search/tuner=optuna takes several")
        if self.tuner.pruner != "none":
            raise ValueError(
                "trials with several objectives cannot be compared epoch by epoch: set "
                "search.tuner.pruner=none"
            )
        return self
