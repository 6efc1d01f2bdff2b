"""What every fitted forecaster promises, whatever is inside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from restock.config import COUNTS
from restock.forecasters.baselines.make import make_baselines
from restock.forecasters.bundle import load_bundle
from restock.forecasters.combine import Combination
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.fit import LstmEnsemble, LstmRecipe
from restock.types.forecast import FittedForecaster, Forecaster
from support.builders import LEVELS, evaluation, features, panel, settings
from support.bundles import save

NAMES = ["lstm", "naive", "seasonal_naive", "moving_mean", "moving_median", "ses", "ets", "theta"]
NAMES += ["lstm_negative_binomial", "lstm_zero_inflated_negative_binomial"]
NAMES += ["croston", "sba", "tsb", "boosted_trees"]
ORIGINS = np.array([40, 44, 44])


def bundle(folder: Path, likelihood: str) -> FittedForecaster:
    """A network as it starts: the promises do not depend on its weights."""
    backend.prepare(1, 1)
    recipe = LstmRecipe.from_settings(settings(model={"likelihood": likelihood}))
    training = LstmEnsemble(recipe, panel(3, 50), np.full(3, 40))
    mixed = Combination({"lstm": 0.8, "tsb": 0.2}, LEVELS, LEVELS)
    save(training, folder, mixed)
    return load_bundle(folder)


def baselines() -> Mapping[str, Forecaster]:
    return make_baselines(evaluation(), features(), np.array(LEVELS), 0)


@pytest.fixture(scope="module")
def forecasters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FittedForecaster]:
    folder = tmp_path_factory.mktemp("contract")
    fitted = {name: b.fit(panel(3, 50), np.full(3, 40)) for name, b in baselines().items()}
    networks = {f"lstm_{name}": bundle(folder / name, name) for name in COUNTS}
    return {"lstm": bundle(folder / "quantiles", "quantiles"), **networks, **fitted}


def test_every_baseline_is_under_contract() -> None:
    networks = ["lstm", *(f"lstm_{name}" for name in COUNTS)]
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
        edited = panel(3, 50).demand.copy()
        for series, origin in enumerate(ORIGINS):
            edited[series, origin + 1 :] = 1e6
        before = forecasters[name].predict(panel(3, 50), ORIGINS)
        after = forecasters[name].predict(panel(3, 50, demand=edited), ORIGINS)
        np.testing.assert_array_equal(before.quantiles, after.quantiles)
        np.testing.assert_array_equal(before.cumulative, after.cumulative)

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
