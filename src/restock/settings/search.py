"""Settings of the search: the space, the tuner that proposes trials, and the objectives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from restock.errors import nearest
from restock.settings.base import Frozen, Names, as_tuple
from restock.settings.recipe import SWEEPABLE, sweepable_paths
from restock.settings.sweep import FILE_NAME


class Dimension(Frozen):
    """One hyperparameter: the setting that it changes, and the values it may take."""

    path: str
    """Path of the setting that is changed, such as ``model.units``."""

    kind: Literal["int", "float", "categorical"]
    """``int``: whole numbers; ``float``: any numbers; ``categorical``: one of ``choices``."""

    low: float | None = None
    """Smallest value; null for a categorical dimension."""

    high: float | None = None
    """Largest value; null for a categorical dimension."""

    step: float | None = None
    """Distance between neighbouring values, starting at ``low``. null: every whole number
    (``int``) or any number (``float``).
    """

    log: bool = False
    """Whether the search runs on a logarithmic scale. This excludes ``step``."""

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
            raise ValueError(f"{self.path}: log: true excludes step; remove one of the two")
        if self.path not in sweepable_paths():
            raise ValueError(
                f"{self.path} cannot be swept (only {', '.join(SWEEPABLE)}*). "
                + nearest(self.path, sweepable_paths())
            )
        return self


class OptunaSettings(Frozen):
    """Optuna: the sampler that proposes the next trial, and the pruner that stops a bad one."""

    name: Literal["optuna"] = "optuna"
    """Says that Optuna proposes the trials."""

    sampler: Literal["tpe", "random", "grid", "cmaes", "gp", "qmc"] = "tpe"
    """How the next values are chosen; ``grid`` tries every combination of steps and choices."""

    pruner: Literal["median", "hyperband", "wilcoxon", "none"] = "median"
    """What stops a bad trial early. All compare trials after the same share of the steps, except
    ``wilcoxon``, which compares the losses of the folds at the end of a trial.
    """

    num_startup_trials: Annotated[int, Field(ge=0)] = 4
    """Number of first trials in which the sampler draws at random and the median pruner stops no
    trial.
    """

    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """First share of ``training.max_steps`` in which the median and the Hyperband pruner never stop
    a trial.
    """

    @property
    def method(self) -> str:
        """What chooses the next values."""
        return self.sampler


class KerasTunerSettings(Frozen):
    """Keras Tuner: the oracle that proposes the next trial. Hyperband also sets its steps."""

    name: Literal["keras_tuner"]
    """Says that Keras Tuner proposes the trials."""

    oracle: Literal["random", "bayesian", "hyperband"] = "bayesian"
    """How the next values are chosen."""

    @property
    def method(self) -> str:
        """What chooses the next values."""
        return self.oracle

    @property
    def pruner(self) -> str:
        """What stops a bad trial early: nothing does."""
        return "none"


TunerSettings = Annotated[OptunaSettings | KerasTunerSettings, Field(discriminator="name")]


# What a trial can be judged by. Lower is better for all of them.
OBJECTIVES = ("loss", "inventory_cost", "latency", "size")


class SearchSettings(Frozen):
    """What the tuner may change, and how many trials it runs."""

    name: Annotated[str, Field(pattern=FILE_NAME)]
    """Name of the search. The names of its sweeps start with it."""

    num_trials: Annotated[int, Field(ge=1)] = 12
    """Largest number of trials in a sweep. The first trial uses the configured values, except
    with ``grid``.
    """

    max_series: Annotated[int, Field(ge=10)] | None = 1000
    """Largest number of series that trials see. Of a larger panel they see a sample, spread evenly
    over the sizes and the shares of zeros; the best values are then trained on all series, which
    also decide the number of steps. null: all series.
    """

    num_seeds: Annotated[int, Field(ge=1)] = 1
    """Number of networks per fold, each with its own seed. Their losses are averaged."""

    objectives: Names = ("loss",)
    """What trials are judged by: ``loss`` (``evaluation.loss`` says which), ``inventory_cost``,
    ``latency`` (seconds to forecast all series), ``size`` (number of weights of the network). The
    first one decides the best trial.
    """

    max_identical_failures: Annotated[int, Field(ge=1)] = 3
    """The sweep stops after so many trials in a row failed with the same error."""

    tuner: TunerSettings = OptunaSettings()
    """What proposes the values of a trial: Optuna or Keras Tuner."""

    space: dict[str, Dimension]
    """The dimensions that are searched, by name. The names are free."""

    @model_validator(mode="after")
    def _known_objectives(self) -> SearchSettings:
        for name in self.objectives:
            if name in ("wql", "sql"):
                raise ValueError(f"{name!r} is `loss` now; evaluation.loss={name} says which")
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
                "trials with several objectives cannot be compared while they train: set "
                "search.tuner.pruner=none"
            )
        return self
