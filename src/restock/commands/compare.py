"""Compare the best trials of sweeps, and runs, side by side."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from restock.commands.arguments import Arguments
from restock.commands.views import CompareView
from restock.errors import UserError
from restock.settings.engine import EngineSettings
from restock.settings.tracking import TrackingSettings
from restock.sweeps.optuna.summaries import summaries
from restock.sweeps.places import study_url
from restock.tracking.context import Context
from restock.tracking.protocol import Parts


def run(context: Context[CompareView], arguments: Arguments) -> Parts:
    """Return a table with a column for each sweep's best trial or run. Differing rows come first.

    Raises:
        UserError: If a name is neither a sweep nor a run.
    """
    settings = context.settings
    url = study_url(settings.engine, context.root)
    known = {sweep.name for sweep in summaries(url)}
    columns = {}
    for name in arguments.names:
        if name in known:
            columns[name] = _best_of(name, url, settings.engine)
        else:
            columns[name] = _run(name, settings.tracking, context.root)
    table = pd.DataFrame(columns)
    shown = table.map(_cell)
    differs = shown.nunique(axis=1) > 1
    shown = pd.concat([shown[differs], shown[~differs]])
    return [("Compared", shown.reset_index(names=""))]


def _best_of(name: str, url: str, engine: EngineSettings) -> dict[str, Any]:
    from restock.sweeps.optuna.study import OpenStudy

    with closing(OpenStudy.open(url, name, engine)) as opened:
        result = opened.snapshot().result()
    best = result.best
    assert best.outcome is not None
    measured = {
        best.outcome.name: best.outcome.value,
        **best.outcome.trained,
        "trial": best.number,
        "trials": len(result.trials),
        "tuner": result.sampler,
    }
    return measured | best.values


def _run(name: str, tracking: TrackingSettings, root: Path) -> dict[str, Any]:
    """Return metrics and parameters of a run, found by its id or its name."""
    from restock.tracking.mlflow.tracker import find_run

    found = find_run(tracking, root, name)
    if found is None:
        raise UserError(
            f"{name!r} is neither a sweep (`restock sweeps` lists them) nor the id or name of a "
            f"run of experiment {tracking.experiment_name!r}."
        )
    params, metrics = found
    return {**metrics, **params}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "-" if pd.isna(value) else f"{value:.6g}"
    return str(value)
