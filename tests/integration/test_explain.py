"""Explanations, on demand whose only driver is known."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from restock.errors import UserError
from restock.evaluation.explain import explain_series, importance
from restock.forecasters.bundle import Bundle, load_bundle
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble
from restock.settings.base import narrowed
from restock.settings.recipe import Recipe
from restock.types.folds import Fold
from restock.types.panel import DemandPanel
from support.builders import HORIZON, LEVELS, promoted_panel, settings
from support.bundles import save
from support.networks import train

NUM_SERIES, NUM_STEPS = 40, 80
ENDS = np.full(NUM_SERIES, NUM_STEPS - 10)
FOLD = Fold("test", ENDS, np.stack([ENDS, ENDS + 3]), np.full(NUM_SERIES, NUM_STEPS - 1))


@pytest.fixture(scope="module")
def base() -> DemandPanel:
    return promoted_panel(NUM_SERIES, NUM_STEPS)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, base: DemandPanel) -> Bundle:
    folder = tmp_path_factory.mktemp("explained") / "bundle"
    backend.prepare(1, 1)
    chosen = settings(
        features={"calendar": ["month"], "lags": [1], "rolling_windows": [4]},
        training={"max_steps": 48, "learning_rate": 0.02, "batch_size": 10},
    )
    ensemble = LstmEnsemble(narrowed(Recipe, chosen), HORIZON, base, ENDS)
    train(ensemble, 48)
    save(ensemble, folder, Combination({"lstm": 0.9, "naive": 0.1}, LEVELS, LEVELS))
    return load_bundle(folder)


def test_the_known_driver_leads_and_noise_is_worth_nothing(
    bundle: Bundle, base: DemandPanel
) -> None:
    table = importance(bundle, base, FOLD).set_index("input")
    rise = table["wql_rise"]
    named = rise.drop("anchors")
    assert named.idxmax() in ("known promo", "known promo_relative")
    driver = rise["known promo"] + rise["known promo_relative"]
    for noise in ("known noise", "known noise_relative", "static kind"):
        assert abs(rise[noise]) < 0.05 * driver
    # The same for all series at an origin, but not over time: it is tried all the same.
    assert table.loc["month_sin", "moves"] > 0
    assert table["moves"].drop("anchors").idxmax() in ("known promo", "known promo_relative")


def test_the_same_numbers_come_out_twice(bundle: Bundle, base: DemandPanel) -> None:
    pd.testing.assert_frame_equal(importance(bundle, base, FOLD), importance(bundle, base, FOLD))


def test_a_promotion_raises_the_steps_it_lies_on(bundle: Bundle, base: DemandPanel) -> None:
    ahead = base.known_future["promo"][:, ENDS[0] + 1 : ENDS[0] + 4]
    series = int(np.flatnonzero(ahead.sum(axis=1) == 1)[0])  # with and without promotion
    promo = ahead[series]
    table = explain_series(bundle, base, ENDS, f"S{series:03d}").set_index("input")
    steps = ["step_1", "step_2", "step_3"]
    effect = table.loc[["known promo", "known promo_relative"], steps].sum().to_numpy()
    assert (effect[promo == 1] > 0).all()
    assert (effect[promo == 0] < 0).all()
    np.testing.assert_allclose(table["effect"], table[steps].mean(axis=1))


def test_an_unknown_series_names_the_nearest(bundle: Bundle, base: DemandPanel) -> None:
    with pytest.raises(UserError, match=r"no series 'S03'\. Did you mean 'S0\d\d'"):
        explain_series(bundle, base, ENDS, "S03")


def test_an_input_that_is_the_same_everywhere_is_worth_exactly_nothing(
    bundle: Bundle, base: DemandPanel
) -> None:
    table = importance(bundle, base, FOLD).set_index("input")
    assert table.loc["in_stock"].tolist() == [0.0, 0.0]


def test_it_imports_no_training_library() -> None:
    code = (
        "import sys, restock.evaluation.explain\n"
        "assert not {'keras', 'tensorflow', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
