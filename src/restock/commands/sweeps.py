"""List sweeps, stop one, and compare sweeps and runs."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from restock.errors import UserError
from restock.settings.tree import Settings
from restock.sweeps.keys import study_url
from restock.sweeps.optuna.summaries import summaries
from restock.tracking.protocol import Console, Parts

if TYPE_CHECKING:
    from restock.sweeps.optuna.queue import OptunaLedger


def _ledger(name: str, settings: Settings, root: Path) -> OptunaLedger:
    from restock.sweeps.optuna.queue import OptunaLedger  # listing needs no Optuna

    return OptunaLedger(study_url(settings.engine, root), name, settings.engine)


def list_sweeps(settings: Settings, root: Path) -> Parts:
    """Return a table of all sweeps."""
    found = summaries(study_url(settings.engine, root))
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


def stop(name: str, settings: Settings, root: Path, console: Console) -> None:
    """Ask every worker of a sweep, on every machine, to give back its trial and end."""
    with closing(_ledger(name, settings, root)) as ledger:
        who = f"{getpass.getuser()} on {socket.gethostname()}"
        ledger.stop(f"by {who} at {time.strftime('%Y-%m-%d %H:%M:%S')}")
    console.note(f"{name} stops after the epochs that run now. `restock resume {name}` goes on.")


def is_grid(name: str, settings: Settings, root: Path) -> bool:
    """Say whether a sweep is a grid of whole trainings."""
    with closing(_ledger(name, settings, root)) as ledger:
        return ledger.sweep.points is not None


def compare(names: Sequence[str], settings: Settings, root: Path) -> Parts:
    """Return a table with a column for each sweep's best trial or run; what differs comes first.

    Raises:
        UserError: If a name is neither.
    """
    known = {sweep.name for sweep in summaries(study_url(settings.engine, root))}
    columns = {}
    for name in names:
        if name in known:
            columns[name] = _best_of(name, settings, root)
        else:
            columns[name] = _run(name, settings, root)
    table = pd.DataFrame(columns)
    shown = table.map(_cell)
    differs = shown.nunique(axis=1) > 1
    shown = pd.concat([shown[differs], shown[~differs]])
    return [("Compared", shown.reset_index(names=""))]


def _best_of(name: str, settings: Settings, root: Path) -> dict[str, Any]:
    with closing(_ledger(name, settings, root)) as ledger:
        result = ledger.result()
    best = result.best
    assert best.outcome is not None
    measured = {
        "wql": best.outcome.value,
        "epochs": best.outcome.best_epoch,
        "trial": best.number,
        "trials": len(result.trials),
        "tuner": result.sampler,
    }
    return measured | best.values


def _run(name: str, settings: Settings, root: Path) -> dict[str, Any]:
    """Find a run by its id or its name."""
    from restock.tracking.mlflow.tracker import find_run

    found = find_run(settings.tracking, root, name)
    if found is None:
        raise UserError(
            f"{name!r} is neither a sweep (`restock sweeps` lists them) nor the id or name of a "
            f"run of experiment {settings.tracking.experiment_name!r}."
        )
    params, metrics = found
    return {**metrics, **params}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "-" if pd.isna(value) else f"{value:.6g}"
    return str(value)
