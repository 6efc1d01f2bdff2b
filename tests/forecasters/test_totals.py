"""Totals agree with the series below them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from restock.forecasters.baselines.simple import simple_baselines
from restock.forecasters.totals import forecast_totals
from restock.types.panel import DemandPanel
from support.builders import LEVELS, baselines, panel

STATIC = pd.DataFrame(
    {
        "store": ["north", "south", "north", None, "south"],
        "item": ["a", "b", "c", "a", "b"],
        "size": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
)


def totals_of(base: DemandPanel) -> tuple[pd.DataFrame, pd.DataFrame]:
    model = simple_baselines(baselines(), 3, np.array(LEVELS))["moving_mean"]
    forecast = model.predict(base, np.full(5, 39))
    return forecast_totals(forecast, base.static), forecast.table()


def test_every_group_is_the_sum_of_its_series() -> None:
    totals, series = totals_of(panel(5, 40, static=STATIC))
    store = STATIC["store"].fillna("unknown").to_numpy().repeat(3)
    expected = series.assign(store=store).groupby(["store", "timestamp"])["mean"].sum()
    found = totals[totals["by"] == "store"].set_index(["group", "timestamp"])["mean"]
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    assert found.index.tolist() == expected.index.tolist()


def test_the_groups_of_every_text_column_add_up_to_all() -> None:
    totals, series = totals_of(panel(5, 40, static=STATIC))
    assert totals["by"].unique().tolist() == ["all", "store", "item"]
    sums = totals.groupby(["by", "timestamp"])["mean"].sum().unstack()
    np.testing.assert_allclose(sums.to_numpy(), np.tile(sums.loc["all"], (3, 1)), rtol=1e-12)
    np.testing.assert_allclose(sums.loc["all"].sum(), series["mean"].sum(), rtol=1e-12)


def test_without_static_columns_there_is_a_grand_total() -> None:
    totals, _ = totals_of(panel(5, 40, static=pd.DataFrame()))
    assert totals["by"].tolist() == ["all"] * 3
