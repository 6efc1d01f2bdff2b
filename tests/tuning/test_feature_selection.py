"""Feature selection: the elimination by hand, and on demand whose only driver is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from restock.commands import select
from restock.data.store import save_panel
from restock.errors import ConfigError
from restock.tuning.feature_selection import Assessment, eliminate
from restock.types.layout import Layout
from restock.types.panel import DemandPanel
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
    assert selection.best == 2
    assert selection.table()["features"].tolist() == [5, 3, 2, 1]
    assert selection.table()["dropped"].tolist() == ["", "noise 2; noise 1", "noise 3", "useful"]


def test_the_override_says_what_was_left_out_to_hydra_behind_a_shell() -> None:
    import shlex

    names = ("known promo", 'static "odd", one', "lag_1")
    (word,) = shlex.split(select.override(names))
    parsed = OverridesParser.create().parse_overrides([word])[0]
    assert parsed.key_or_group == "features.leave_out"
    assert [str(name) for name in parsed.value()] == list(names)


def selected(folder: Path, base: DemandPanel) -> list[tuple[str, pd.DataFrame | str]]:
    chosen = settings(
        features={"calendar": ["month"], "lags": [1], "rolling_windows": [4], "seasonal_lag": 0},
        training={"max_epochs": 10, "learning_rate": 0.02, "batch_size": 10},
    )
    save_panel(base, folder / "panel")
    return select.run(chosen, Layout.at(folder), QuietConsole())


@pytest.mark.slow
def test_the_driver_is_kept_and_noise_goes(tmp_path: Path) -> None:
    parts = dict(selected(tmp_path, promoted_panel()))
    override = parts["Keeps the best"]
    assert isinstance(override, str)
    assert "known noise" in override
    promo = [f'"{name}"' for name in ("known promo", "known promo_relative")]
    assert not all(name in override for name in promo)  # either tells it all
    table = pd.read_csv(tmp_path / "selection.csv")
    assert table["best"].sum() == 1
    assert table.loc[table["best"], "wql"].item() == table["wql"].min()


def test_the_test_folds_are_never_seen(tmp_path: Path) -> None:
    base = promoted_panel(6, 40)
    edited = base.demand.copy()
    edited[:, -6:] = 1e6  # both test folds of three periods
    first = selected(tmp_path / "a", base)[0][1]
    second = selected(
        tmp_path / "b",
        panel(
            6,
            40,
            demand=edited,
            known_future=base.known_future,
            observed={},
        ),
    )[0][1]
    assert isinstance(first, pd.DataFrame)
    assert isinstance(second, pd.DataFrame)
    pd.testing.assert_frame_equal(first, second)


def test_without_a_tuning_fold_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no tuning fold"):
        selected(tmp_path, panel(3, 10, observed={}, demand=np.ones((3, 10))))
