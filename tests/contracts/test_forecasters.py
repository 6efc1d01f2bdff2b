"""What every fitted forecaster promises, whatever is inside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from restock.forecasters.baselines.make import make_baselines
from restock.forecasters.bundle import load_bundle
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import Lstm, LstmEnsemble
from restock.settings.model import COUNTS
from restock.types.forecast import FittedForecaster, Forecaster
from restock.types.panel import DemandPanel
from support.builders import HORIZON, LEVELS, features, odd_demand, panel, recipe_of
from support.builders import baselines as default_baselines
from support.bundles import save

NAMES = [
    "lstm",
    "fitted_lstm",
    "naive",
    "seasonal_naive",
    "moving_mean",
    "moving_median",
    "ses",
    "ets",
    "theta",
]
NAMES += ["lstm_negative_binomial", "lstm_zero_inflated_negative_binomial"]
NAMES += ["croston", "sba", "tsb", "boosted_trees"]
ORIGINS = np.array([40, 44, 44])


def edited(origins: np.ndarray, *, after: bool) -> DemandPanel:
    """The panel with every column changed, after each series' origin or at it and before."""
    base = panel(3, 50)
    past = np.arange(50) <= origins[:, None]
    chosen = ~past if after else past
    ahead = np.arange(50) > origins[:, None] + 3  # what is known ahead may be read that far
    return panel(
        3,
        50,
        demand=np.where(chosen, 3 * base.demand + 7, base.demand),
        in_stock=np.where(chosen & (np.arange(50) % 5 == 0), False, base.in_stock),
        known_future={
            "promo": np.where(ahead if after else chosen, 5.0, base.known_future["promo"])
        },
        observed={"price": np.where(chosen, 9.0, base.observed["price"])},
    )


def bundle(folder: Path, likelihood: str) -> FittedForecaster:
    """A network whose every input arrives: its last layers start at zero, but for anchors."""
    backend.prepare(1, 1)
    recipe = recipe_of(model={"likelihood": likelihood})
    training = LstmEnsemble(recipe, HORIZON, panel(3, 50), np.full(3, 40))
    rng = np.random.default_rng(0)
    network = training.members[0].trained
    network.set_weights([rng.normal(0, 0.2, size=w.shape) for w in network.get_weights()])
    mixed = Combination({"lstm": 0.8, "tsb": 0.2}, LEVELS, LEVELS)
    save(training, folder, mixed)
    return load_bundle(folder)


def baselines() -> Mapping[str, Forecaster]:
    return make_baselines(default_baselines(), HORIZON, features(), np.array(LEVELS), 0)


@pytest.fixture(scope="module")
def forecasters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FittedForecaster]:
    folder = tmp_path_factory.mktemp("contract")
    fitted = {name: b.fit(panel(3, 50), np.full(3, 40)) for name, b in baselines().items()}
    lstm: Forecaster = Lstm(recipe_of(), HORIZON)
    networks = {
        "lstm": bundle(folder / "quantiles", "quantiles"),
        "fitted_lstm": lstm.fit(panel(3, 50), np.full(3, 40)),
        **{f"lstm_{name}": bundle(folder / name, name) for name in COUNTS},
    }
    return {**networks, **fitted}


def test_every_baseline_is_under_contract() -> None:
    networks = ["lstm", "fitted_lstm", *(f"lstm_{name}" for name in COUNTS)]
    assert sorted([*networks, *baselines()]) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_answers_every_series_step_and_level(
        self, forecasters: dict[str, FittedForecaster], name: str
    ) -> None:
        base = panel(3, 50)
        forecast = forecasters[name].predict(base, ORIGINS)
        assert forecasters[name].horizon == 3
        assert forecast.quantiles.shape == forecast.cumulative.shape == (3, 3, len(LEVELS))
        np.testing.assert_array_equal(forecast.origin, np.asarray(base.timestamps)[ORIGINS])
        np.testing.assert_array_equal(
            forecast.timestamps[0], np.asarray(base.timestamps)[[41, 42, 43]]
        )

    def test_reads_nothing_after_the_origin(
        self, forecasters: dict[str, FittedForecaster], name: str
    ) -> None:
        before = forecasters[name].predict(panel(3, 50), ORIGINS)
        after = forecasters[name].predict(edited(ORIGINS, after=True), ORIGINS)
        np.testing.assert_array_equal(before.quantiles, after.quantiles)
        np.testing.assert_array_equal(before.cumulative, after.cumulative)
        moved = forecasters[name].predict(edited(ORIGINS, after=False), ORIGINS)
        assert (before.quantiles != moved.quantiles).any()  # edits arrive: the test can fail

    @pytest.mark.parametrize("length", [1, 2, 3, 4])
    def test_answers_however_short_the_history(
        self, forecasters: dict[str, FittedForecaster], name: str, length: int
    ) -> None:
        forecast = forecasters[name].predict(panel(3, length), np.full(3, length - 1))
        assert forecast.quantiles.shape == (3, 3, len(LEVELS))

    def test_answers_series_of_every_odd_kind(
        self, forecasters: dict[str, FittedForecaster], name: str
    ) -> None:
        demand = odd_demand(6)
        stock = np.ones_like(demand, dtype=bool)
        stock[5] = False  # sold out throughout
        odd = panel(6, 50, demand=demand, in_stock=stock)
        forecast = forecasters[name].predict(odd, np.full(6, 49))  # checks itself: finite, >= 0
        assert forecast.point.shape == (6, 3)

    def test_reaches_beyond_the_end_of_the_history(
        self, forecasters: dict[str, FittedForecaster], name: str
    ) -> None:
        forecast = forecasters[name].predict(panel(3, 50), np.full(3, 49))
        last = panel(3, 50).timestamps[-1].to_datetime64()
        assert (forecast.timestamps > last).all()

    def test_the_first_total_is_the_first_step(
        self, forecasters: dict[str, FittedForecaster], name: str
    ) -> None:
        forecast = forecasters[name].predict(panel(3, 50), ORIGINS)
        np.testing.assert_allclose(forecast.cumulative[:, 0], forecast.quantiles[:, 0])
