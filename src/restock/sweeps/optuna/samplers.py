"""Optuna's samplers and pruners by name, and our search space as its distributions."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna

from restock.errors import ConfigError
from restock.settings.search import Dimension, OptunaSettings, SearchSettings, TunerSettings


def make_sampler(tuner: OptunaSettings, seed: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of one trial.

    Raises:
        ConfigError: If a package that it needs is not installed.
    """
    samplers = {
        # The points of a grid are queued, so that nothing is left to sample.
        "grid": lambda: optuna.samplers.RandomSampler(seed=seed),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        "tpe": lambda: optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=tuner.num_startup_trials
        ),
        "cmaes": lambda: optuna.samplers.CmaEsSampler(
            seed=seed, n_startup_trials=max(tuner.num_startup_trials, 1)
        ),
        "gp": lambda: optuna.samplers.GPSampler(
            seed=seed, n_startup_trials=max(tuner.num_startup_trials, 1)
        ),
        "qmc": lambda: optuna.samplers.QMCSampler(seed=seed, scramble=True),
    }
    try:
        with quiet():
            return samplers[tuner.sampler]()
    except ImportError as error:
        raise ConfigError(
            f"search.tuner.sampler={tuner.sampler} needs a package that is not installed: "
            f"pip install 'restock[{tuner.sampler}]' ({error})"
        ) from None


def percent(share: float) -> int:
    """Return a share of the budget as the pruners count it."""
    return max(round(100 * share), 1)


def make_pruner(tuner: TunerSettings) -> optuna.pruners.BasePruner:
    """Return the pruner. Its steps are percent of the budget; for Wilcoxon's test, folds."""
    if not isinstance(tuner, OptunaSettings):
        return optuna.pruners.NopPruner()
    if tuner.pruner == "median":
        return optuna.pruners.MedianPruner(
            n_startup_trials=tuner.num_startup_trials,
            n_warmup_steps=round(100 * tuner.warmup_share),
        )
    if tuner.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=percent(tuner.warmup_share), max_resource=100
        )
    if tuner.pruner == "wilcoxon":
        with quiet():
            return optuna.pruners.WilcoxonPruner(p_threshold=0.1)
    return optuna.pruners.NopPruner()


@contextmanager
def quiet() -> Iterator[None]:
    """Hide Optuna's warnings about experimental parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def distributions(search: SearchSettings) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the search space by the names of its dimensions."""
    return {name: _distribution(dimension) for name, dimension in search.space.items()}


def tidy(value: Any) -> Any:
    """Remove rounding errors from floats with a step: 0.30000000000000004 becomes 0.3."""
    return float(f"{value:.12g}") if isinstance(value, float) else value


def grid_points(search: SearchSettings) -> list[dict[str, Any]]:
    """Return every combination of the space, by the names of its dimensions.

    Raises:
        ConfigError: If a dimension has no finite number of values.
    """
    axes = [[(name, v) for v in _values(d)] for name, d in search.space.items()]
    return [dict(point) for point in itertools.product(*axes)]


def check_inside(name: str, dimension: Dimension, value: Any) -> None:
    """Refuse a configured value outside its search range, because the first trial uses it.

    Raises:
        ConfigError: If it is outside. The message names the value and the range.
    """
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
            f"{dimension.path}={value} lies outside search.space.{name}. The first trial uses the "
            "configured values: widen the range, change its step, or change the value."
        )


def _values(dimension: Dimension) -> tuple[Any, ...]:
    if dimension.kind == "categorical":
        return dimension.choices
    assert dimension.low is not None
    assert dimension.high is not None
    step = dimension.step or (1 if dimension.kind == "int" else None)
    if step is None or dimension.log:
        raise ConfigError(
            f"{dimension.path}: a grid needs a step or choices; a continuous or logarithmic range "
            "has neither. Give choices, or choose another search.tuner.sampler."
        )
    count = math.floor((dimension.high - dimension.low) / step + 1e-9) + 1
    values = [dimension.low + place * step for place in range(count)]
    return tuple(int(v) if dimension.kind == "int" else tidy(v) for v in values)


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
