"""Feature selection: the elimination by hand, and on demand whose only driver is known."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from restock.commands import select
from restock.data.folds import make_folds
from restock.data.store import save_panel
from restock.errors import ConfigError
from restock.forecasters.lstm.fit import LstmRecipe
from restock.tuning.feature_selection import Assessment, assess_features, eliminate
from restock.types.layout import Layout
from support.builders import panel, promoted_panel, settings
from support.quiet import QuietConsole

WORTH = {"driver": 1.0, "useful": 0.5, "noise 1": 0.0, "noise 2": -0.1, "noise 3": 0.01}


def assess(left_out: tuple[str, ...]) -> Assessment:
    """Noise costs a little each, the others what they are worth."""
    kept = {name: worth for name, worth in WORTH.items() if name not in left_out}
    missing = sum(worth for name, worth in WORTH.items() if name in left_out and worth > 0.1)
    return Assessment(1.0 + missing + 0.01 * sum("noise" in name for name in kept), kept)


def test_the_least_important_third_goes_at_each_step() -> None:
    selection = eliminate(assess, lambda _: None)
    assert selection.left_out == (
        (),
        ("noise 2", "noise 1"),
        ("noise 2", "noise 1", "noise 3"),
        ("noise 2", "noise 1", "noise 3", "useful"),
    )
    assert selection.kept == 2
    assert selection.table()["features"].tolist() == [5, 3, 2, 1]
    assert selection.table()["dropped"].tolist() == ["", "noise 2; noise 1", "noise 3", "useful"]


def test_the_override_says_what_was_left_out_to_hydra_behind_a_shell() -> None:
    names = ("known promo", 'static "odd", one', "lag_1")
    (word,) = shlex.split(select.override(names))
    parsed = OverridesParser.create().parse_overrides([word])[0]
    assert parsed.key_or_group == "features.leave_out"
    assert [str(name) for name in parsed.value()] == list(names)


# What is left for the selection: the driver twice, noise twice, a static column of noise.
START = [
    *("demand", "lag_1"),
    *("age", "deviation", "growth_4", "level", "mean_4", "zero_share", "month_sin", "month_cos"),
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
        "max_epochs": 10,
        "passes_per_epoch": 4,
        "learning_rate": 0.01,
        "batch_size": 10,
    },
)


def test_the_driver_is_kept_and_noise_goes(tmp_path: Path) -> None:
    save_panel(promoted_panel(40, 60), tmp_path / "panel")
    parts = dict(select.run(CHOSEN, Layout.at(tmp_path), QuietConsole()))
    found = parts["To keep this choice"]
    assert isinstance(found, str)
    assert all(f'"{name}"' in found for name in ("known noise", "known noise_relative"))
    promo = [f'"{name}"' for name in ("known promo", "known promo_relative")]
    assert not all(name in found for name in promo)  # either tells it all
    table = pd.read_csv(tmp_path / "selection.csv")
    assert table["features"].tolist() == [5, 3, 2, 1]
    assert table.loc[table["kept"], "wql"].item() <= 1.01 * table["wql"].min()


def test_the_test_folds_are_never_seen() -> None:
    base = promoted_panel(6, 40)
    edited = base.demand.copy()
    edited[:, -6:] = 1e6  # both test folds of three periods
    after = panel(6, 40, demand=edited, known_future=base.known_future, observed={})
    found = [
        assess_features(
            LstmRecipe.from_settings(CHOSEN), each, make_folds(each, CHOSEN.evaluation), 1
        )
        for each in (base, after)
    ]
    assert found[0] == found[1]


def test_without_a_tuning_fold_it_says_so(tmp_path: Path) -> None:
    save_panel(panel(3, 10, observed={}), tmp_path / "panel")
    with pytest.raises(ConfigError, match="no tuning fold"):
        select.run(CHOSEN, Layout.at(tmp_path), QuietConsole())
