"""Continue a sweep as it was launched: trials on the tuning folds, or whole trainings."""

from __future__ import annotations

from contextlib import closing

from restock.commands.arguments import Arguments
from restock.commands.views import SweepsView
from restock.settings.engine import EngineSettings
from restock.stages import tune
from restock.sweeps import grid
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.places import study_url
from restock.tracking.context import Context
from restock.tracking.protocol import Parts


def run(context: Context[SweepsView], arguments: Arguments) -> Parts:
    """Continue a sweep with its frozen settings. Only engine and tracking are the current ones."""
    (name,), engine = arguments.names, context.settings.engine
    if _is_grid(study_url(engine, context.root), name, engine):
        grid.resume(name, engine, context)
    else:
        tune.resume(name, engine, context)
    return []


def _is_grid(url: str, name: str, engine: EngineSettings) -> bool:
    with closing(OpenStudy.open(url, name, engine)) as opened:
        return opened.sweep.points is not None
