"""Optuna behind our sampler protocol: search space, sampler, pruner, and the study's plots."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import optuna
from matplotlib import pyplot as plt

from restock.config import Dimension, SearchSettings
from restock.errors import ConfigError
from restock.tuning.results import Trial

STATES = {
    "complete": optuna.trial.TrialState.COMPLETE,
    "pruned": optuna.trial.TrialState.PRUNED,
    "failed": optuna.trial.TrialState.FAIL,
}


@dataclass
class OptunaSuggestion:
    """One trial at Optuna."""

    trial: optuna.Trial
    number: int
    values: dict[str, Any]

    def report(self, step: int, value: float) -> bool:
        """Record an epoch's value; a value that is no number never reaches the sampler."""
        if math.isfinite(value):
            self.trial.report(value, step)
        return bool(self.trial.should_prune())


class OptunaSampler:
    """A study that is asked and told. The configured values are always its first trial."""

    def __init__(self, search: SearchSettings, configured: dict[str, Any], seed: int) -> None:
        """Create the study in memory and enqueue the configured values.

        Raises:
            ConfigError: If a configured value lies outside its own search range.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.search = search
        for name, dimension in search.space.items():
            _check_inside(name, dimension, configured[dimension.path])
        self.study = optuna.create_study(
            study_name=search.name,
            direction="minimize",
            sampler=_sampler(search, seed),
            pruner=_pruner(search),
        )
        self.study.enqueue_trial(
            {name: configured[dimension.path] for name, dimension in search.space.items()}
        )

    def ask(self) -> OptunaSuggestion:
        """Propose the next trial, as values by settings path."""
        distributions = {name: _distribution(d) for name, d in self.search.space.items()}
        trial = self.study.ask(fixed_distributions=distributions)
        values = {d.path: _tidy(trial.params[name]) for name, d in self.search.space.items()}
        return OptunaSuggestion(trial, trial.number, values)

    def tell(self, suggestion: OptunaSuggestion, trial: Trial) -> None:
        """Learn how a trial ended; its value is the best of its curve."""
        value = trial.outcome.value if trial.state == "complete" and trial.outcome else None
        self.study.tell(suggestion.trial, value, state=STATES[trial.state])

    def plot(self, folder: Path) -> list[Path]:
        """Draw the study as PNG files and return them; plots that need more trials are left out."""
        mpl.use("Agg")
        folder.mkdir(parents=True, exist_ok=True)
        draw = optuna.visualization.matplotlib
        plots = {
            "history": draw.plot_optimization_history,
            "parallel_coordinate": draw.plot_parallel_coordinate,
            "slice": draw.plot_slice,
        }
        complete = self.study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
        if len(complete) >= 4:  # importances of fewer points mean nothing
            plots["importances"] = draw.plot_param_importances
        paths = []
        for name, plot in plots.items():
            with warnings.catch_warnings():
                # The plots are marked experimental, and complain of axes with a single value.
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                warnings.simplefilter("ignore", UserWarning)
                drawn = plot(self.study)
            axes = drawn if not hasattr(drawn, "ravel") else drawn.ravel()[0]
            path = folder / f"{name}.png"
            axes.figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
            paths.append(path)
        plt.close("all")
        return paths


def _tidy(value: Any) -> Any:
    """Drop the rounding noise of stepped floats: 0.30000000000000004 is 0.3."""
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _distribution(dimension: Dimension) -> optuna.distributions.BaseDistribution:
    if dimension.kind == "categorical":
        return optuna.distributions.CategoricalDistribution(dimension.choices)
    assert dimension.low is not None
    assert dimension.high is not None
    if dimension.kind == "int":
        step = int(dimension.step or 1)
        return optuna.distributions.IntDistribution(
            int(dimension.low), int(dimension.high), log=dimension.log, step=step
        )
    return optuna.distributions.FloatDistribution(
        dimension.low, dimension.high, log=dimension.log, step=dimension.step
    )


def _check_inside(name: str, dimension: Dimension, value: Any) -> None:
    if dimension.kind == "categorical":
        inside = value in dimension.choices
    else:
        assert dimension.low is not None
        assert dimension.high is not None
        inside = dimension.low <= value <= dimension.high
        if inside and dimension.step:  # on the grid, up to rounding
            steps = (value - dimension.low) / dimension.step
            inside = abs(steps - round(steps)) < 1e-9
    if not inside:
        raise ConfigError(
            f"{dimension.path}={value} lies outside search.space.{name}. The configured values "
            "are the first trial: widen the range (or its step) or change the value."
        )


def _sampler(search: SearchSettings, seed: int) -> optuna.samplers.BaseSampler:
    if search.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=search.num_startup_trials)


def _pruner(search: SearchSettings) -> optuna.pruners.BasePruner:
    if search.pruner == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(
        n_startup_trials=search.num_startup_trials, n_warmup_steps=search.num_warmup_epochs
    )
