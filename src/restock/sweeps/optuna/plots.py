"""Plots of a study, as pictures and as interactive pages."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import optuna
from matplotlib import pyplot as plt

FEWEST_FOR_IMPORTANCES = 4  # trials; with fewer, importances mean nothing


def plot_study(study: optuna.Study, folder: Path) -> list[Path]:
    """Draw a study as PNG and HTML files, and return them.

    Plots that need more trials are left out.
    """
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, arguments in _plots(study).items():
        with warnings.catch_warnings():
            # The plots are marked experimental, and warn if an axis has a single value.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.simplefilter("ignore", UserWarning)
            paths += [
                _picture(
                    _function(optuna.visualization.matplotlib, name), study, arguments, folder
                ),
                _page(_function(optuna.visualization, name), study, arguments, folder),
            ]
    plt.close("all")
    return paths


def _plots(study: optuna.Study) -> dict[str, dict[str, Any]]:
    """Return which plots there are, with their arguments."""
    several = len(study.directions) > 1
    one: dict[str, Any] = (
        {"target": lambda t: t.values[0], "target_name": "loss"} if several else {}
    )
    plots = {
        "optimization_history": one,
        "parallel_coordinate": one,
        "slice": one,
        "timeline": {},
    }
    complete = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    if len(complete) >= FEWEST_FOR_IMPORTANCES:
        plots["param_importances"] = one
    if several:
        plots["pareto_front"] = {}
    return plots


def _function(module: Any, name: str) -> Callable[..., Any]:
    return getattr(module, f"plot_{name}")


def _picture(
    plot: Callable[..., Any], study: optuna.Study, arguments: dict[str, Any], folder: Path
) -> Path:
    drawn = plot(study, **arguments)
    axes = drawn if not hasattr(drawn, "ravel") else drawn.ravel()[0]
    path = folder / f"{plot.__name__.removeprefix('plot_')}.png"
    axes.figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    return path


def _page(
    plot: Callable[..., Any], study: optuna.Study, arguments: dict[str, Any], folder: Path
) -> Path:
    path = folder / f"{plot.__name__.removeprefix('plot_')}.html"
    plot(study, **arguments).write_html(path, include_plotlyjs=True)
    return path
