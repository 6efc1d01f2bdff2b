"""Lead-time demand and the policy: against closed forms and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restock.decisions.demand import LeadTimeDemand
from restock.decisions.plan import economic_order_quantity, make_plan
from restock.decisions.stock import read_positions
from restock.errors import ConfigError, DataError
from restock.settings.inventory import InventorySettings
from restock.settings.source import TableForm
from restock.types.forecast import DemandForecast

LEVELS = np.array(
    [0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99]
)


def exponential(mean: float = 100.0) -> LeadTimeDemand:
    """Demand whose quantiles, mean and shortage are known in closed form."""
    return LeadTimeDemand(LEVELS, -mean * np.log(1 - LEVELS)[None, :], 3)


def test_mean_and_shortage_equal_the_closed_form_of_an_exponential() -> None:
    demand = exponential()
    assert demand.mean()[0] == pytest.approx(100, rel=0.01)
    for stock in (0.0, 50.0, 200.0, 400.0):
        # E[(D - s)+] = mean * exp(-s / mean)
        expected = 100 * np.exp(-stock / 100)
        assert demand.expected_shortage(np.array([stock]))[0] == pytest.approx(expected, rel=0.05)
        leftover = demand.expected_leftover(np.array([stock]))[0]
        # E[(s - D)+] - E[(D - s)+] = s - E[D], whatever the distribution
        assert leftover - expected == pytest.approx(stock - 100, abs=3)


def test_quantiles_between_and_beyond_the_levels() -> None:
    demand = exponential()
    assert demand.quantile(0.95)[0] == pytest.approx(-100 * np.log(0.05))
    assert demand.quantile(0.999)[0] == pytest.approx(
        -100 * np.log(0.001), rel=1e-6
    )  # its own tail


def test_a_plan_worked_out_by_hand() -> None:
    levels = np.array([0.05, 0.5, 0.95])
    demand = LeadTimeDemand(levels, np.array([[10.0, 20.0, 29.5]] * 3), 3)
    plan = make_plan(
        np.array(["low", "high", "unknown"], dtype=object),
        demand,
        InventorySettings(service_level=0.95, order_cost=0.0),
        np.ones(3),
        np.array([12.0, 31.0, np.nan]),
    )
    assert plan.reorder_point.tolist() == [30, 30, 30]  # whole units, rounded up
    assert plan.order_up_to_level.tolist() == [30, 30, 30]
    assert plan.order_quantity[:2].tolist() == [18, 0]
    assert np.isnan(plan.order_quantity[2])
    assert plan.safety_stock[0] == np.ceil(30 - demand.mean()[0])
    assert "stock unknown" in plan.why[2]
    table = plan.table()
    assert table["series_id"].tolist() == ["low", "unknown", "high"]  # most urgent first
    assert table["order_quantity"].isna().tolist() == [False, True, False]


def test_lots_are_economic_when_orders_cost() -> None:
    # Harris' formula: 2 * 50 * 100 / 0.25 = 40,000, whose root is 200.
    assert economic_order_quantity(np.array([100.0]), 50.0, np.array([0.25]))[0] == 200
    assert economic_order_quantity(np.array([100.0]), 0.0, np.array([0.25]))[0] == 0


def test_the_worst_backlog_comes_first() -> None:
    plan = make_plan(
        np.array(["empty", "owing"], dtype=object),
        LeadTimeDemand(LEVELS, np.repeat(exponential().totals, 2, axis=0), 3),
        InventorySettings(),
        np.ones(2),
        np.array([0.0, -50.0]),
    )
    assert plan.table()["series_id"].tolist() == ["owing", "empty"]
    assert plan.order_quantity[1] == plan.order_quantity[0] + 50


def test_more_service_never_means_less_stock() -> None:
    points = [
        make_plan(
            np.array(["a"], dtype=object),
            exponential(),
            InventorySettings(service_level=level),
            np.ones(1),
            np.array([np.nan]),
        ).reorder_point[0]
        for level in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
    ]
    assert points == sorted(points)


def test_a_protection_interval_beyond_the_horizon_is_an_error() -> None:
    ones = np.ones((1, 2, 3))
    stamps = np.array([["2020-01-01", "2020-01-02"]], dtype="datetime64[s]")
    forecast = DemandForecast(
        np.array(["a"], dtype=object), stamps[:, 0], stamps, ones[:, :, 0], LEVELS[:3], ones, ones
    )
    with pytest.raises(ConfigError, match=r"is 3 periods, longer than the forecast horizon of 2"):
        LeadTimeDemand.from_forecast(forecast, 3)


def test_the_stock_table_gives_positions(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("series_id,on_hand,on_order,backorders\nb,5,3,1\na,2,,\n")
    position = read_positions(path, TableForm(), np.array(["a", "b", "c"], dtype=object))
    assert position[:2].tolist() == [2, 7]
    assert np.isnan(position[2])
    path.write_text("series_id,on_hand,on_order,backorders\na,few,0,0\n")
    with pytest.raises(DataError, match=r"stock\.csv: row 2, column 'on_hand' holds 'few'"):
        read_positions(path, TableForm(), np.array(["a"], dtype=object))
    path.write_text("series_id,on_hand\na,1\n")
    with pytest.raises(DataError, match=r"no column .on_order.*A stock table has the columns"):
        read_positions(path, TableForm(), np.array(["a"], dtype=object))
    with pytest.raises(DataError, match=r"no such file\. Check inventory\.stock_path"):
        read_positions(tmp_path / "nowhere.csv", TableForm(), np.array(["a"], dtype=object))
