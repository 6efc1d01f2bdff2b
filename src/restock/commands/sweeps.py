"""List every sweep: its state, trials, workers and best loss."""

from __future__ import annotations

import pandas as pd

from restock.commands.arguments import Arguments
from restock.commands.views import SweepsView
from restock.sweeps.optuna.summaries import summaries
from restock.sweeps.places import study_url
from restock.tracking.context import Context
from restock.tracking.protocol import Parts


def run(context: Context[SweepsView], _: Arguments) -> Parts:
    """Return a table of all sweeps."""
    found = summaries(study_url(context.settings.engine, context.root))
    if not found:
        return [("Sweeps", "none yet; `restock tune` launches one")]
    rows = [
        {
            "sweep": sweep.name,
            "state": sweep.state,
            "complete": f"{sweep.states.get('complete', 0)}/{sweep.total}",
            "pruned": sweep.states.get("pruned", 0),
            "lost": sweep.states.get("fail", 0),
            "workers": sweep.workers,
            "best": sweep.best if sweep.best is not None else float("nan"),
            "started": sweep.started or "-",
        }
        for sweep in found
    ]
    return [("Sweeps", pd.DataFrame(rows))]
