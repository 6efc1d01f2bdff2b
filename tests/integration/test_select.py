"""Feature selection on demand whose only driver is known."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from restock.commands import select
from restock.commands.arguments import Arguments
from restock.data.folds import make_folds
from restock.data.store import save_panel
from restock.settings.base import narrowed
from restock.settings.recipe import Recipe
from restock.tracking.memory import MemoryTracker
from restock.training.feature_selection import assess_features
from support.builders import panel, promoted_panel, settings
from support.stages import context

# What is left for the selection: the driver twice, noise twice, a static column of noise.
START = [
    *("demand", "lag_1"),
    *("age", "deviation", "growth_4", "level", "mean_4", "zero_share", "month_sin", "month_cos"),
    *("known promo_before", "known noise_before"),
    *(f"anchor_{number}_error" for number in range(8)),
]
CHOSEN = settings(
    features={
        "calendar": ["month"],
        "lags": [1],
        "rolling_windows": [4],
        "seasonal_lag": 0,
        "leave_out": START,
    },
    windows={"num_origins": 20},
    model={"units": 24},
    training={
        "max_steps": 160,
        "learning_rate": 0.01,
        "batch_size": 10,
    },
)


def test_the_driver_is_kept_and_noise_goes(tmp_path: Path) -> None:
    save_panel(promoted_panel(40, 60), tmp_path / "panel")
    run = MemoryTracker()
    parts = dict(select.run(context(CHOSEN, tmp_path, ".", tracker=run), Arguments()))
    (run,) = run.children
    found = parts["To keep this choice"]
    assert isinstance(found, str)
    assert all(f'"{name}"' in found for name in ("known noise", "known noise_relative"))
    promo = [f'"{name}"' for name in ("known promo", "known promo_relative")]
    assert not all(name in found for name in promo)  # either tells it all
    table = pd.read_csv(tmp_path / "selection.csv")
    assert run.metrics["tuning_sql"] == list(enumerate(table["loss"]))
    assert run.params["kept"] == found
    assert run.artifacts == [(tmp_path / "selection.csv", None)]
    assert table["features"].tolist() == [5, 3, 2, 1]
    assert table.loc[table["kept"], "loss"].item() <= 1.01 * table["loss"].min()


def test_the_test_folds_are_never_seen() -> None:
    base = promoted_panel(6, 40)
    edited = base.demand.copy()
    edited[:, -6:] = 1e6  # both test folds of three periods
    after = panel(6, 40, demand=edited, known_future=base.known_future, observed={})
    found = [
        assess_features(narrowed(Recipe, CHOSEN), each, make_folds(each, CHOSEN.evaluation), 1)
        for each in (base, after)
    ]
    assert found[0] == found[1]
