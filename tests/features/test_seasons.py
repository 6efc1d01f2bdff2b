"""Long seasons: learned from groups, causal, aligned with holidays, and stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from restock.features.fit import fit_state
from restock.features.seasons import fit_seasons, starting_at, turns_of
from restock.features.state import read_state, write_state
from restock.settings.features import FeatureSettings
from restock.types.panel import DemandPanel, FloatArray
from restock.types.seasons import Turns
from support.builders import features, panel

EVERY = np.arange(2)


def labelled(frequency: str, start: str, demand: FloatArray, **columns: object) -> DemandPanel:
    grid = pd.DatetimeIndex(pd.date_range(start, periods=demand.shape[1], freq=frequency))
    return panel(
        len(demand), demand.shape[1], timestamps=grid, frequency=frequency, demand=demand,
        known_future={}, observed={}, static=pd.DataFrame(columns),
    )  # fmt: skip


def turns_in(shown: DemandPanel, horizon: int, country: str | None = None) -> Turns:
    """The turns of a year, learned from all of a panel."""
    settings = settings_for(shown.frequency, country)
    state = fit_state(shown, settings, np.full(shown.num_series, shown.num_steps - 1))
    turns = turns_of(state.seasons, shown, settings, horizon)[-1:]
    return starting_at(turns, np.arange(shown.num_series), np.zeros(shown.num_series, int))[0]


def settings_for(frequency: str, country: str | None = None) -> FeatureSettings:
    season = {"h": 24, "D": 7, "W": 52, "M": 12}[frequency[0]]
    return features(seasonal_lag=season, holidays=country)


def yearly(
    length: int, frequency: str = "D", noise: float = 0.0, num_series: int = 60
) -> FloatArray:
    """Demand with a week and a year, of which the year is to be found."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2021-01-03", periods=length, freq=frequency)
    year = 0.4 * np.sin(2 * np.pi * dates.day_of_year.to_numpy() / 365.25)
    week = np.where(frequency == "D", 0.3 * np.sin(2 * np.pi * dates.day_of_week.to_numpy() / 7), 0)
    level = rng.uniform(5, 50, (num_series, 1))
    return level * np.exp(year + week + noise * rng.normal(size=(num_series, length)))


@pytest.mark.parametrize(("frequency", "length", "near"), [("D", 480, 0.02), ("W-SUN", 80, 0.02)])
def test_a_year_is_found_beside_the_week_though_the_history_has_hardly_more(
    frequency: str, length: int, near: float
) -> None:
    demand = yearly(length, frequency, noise=0.3)
    shown, horizon = labelled(frequency, "2021-01-03", demand), length // 12
    turns = turns_in(shown, horizon)
    grown = turns.growth(np.full((60, 1), length - 1), horizon)[0, 0, :, 0]
    dates = pd.date_range("2021-01-03", periods=length + horizon, freq=frequency)
    angle = 2 * np.pi * dates.day_of_year.to_numpy() / 365.25
    year = 0.4 * np.sin(angle)
    smooth = pd.Series(np.exp(year)).ewm(alpha=0.15 if frequency == "D" else 0.2).mean()
    expected = year[length:] - np.log(smooth.to_numpy()[length - 1])
    assert np.abs(expected).max() > 0.1
    assert np.abs(grown - expected).mean() < near + 0.1 * np.abs(expected).mean()


def test_nothing_after_an_origin_is_read() -> None:
    shown = labelled("W-SUN", "2021-01-03", yearly(170, "W-SUN", noise=0.3))
    turns = turns_in(shown, 13)
    for origin in (60, 110, 160):
        at = np.full((60, 1), origin)
        later = np.arange(turns.index.shape[1]) > origin
        hidden = replace(
            turns,
            index=np.where(later, 9.0, turns.index),
            level=np.where(later, 9.0, turns.level),
        )
        np.testing.assert_array_equal(turns.growth(at, 13), hidden.growth(at, 13))
        assert (turns.growth(at, 13) != 0).all()


def test_where_no_turn_is_known_nothing_grows() -> None:
    turns = turns_in(labelled("W-SUN", "2021-01-03", yearly(70, "W-SUN")), 13)
    assert (turns.growth(np.full((60, 1), 30), 13) == 0).all()
    early = turns.growth(np.full((60, 1), 51), 13)[0, 0, :, 0]
    assert early[0] == 0  # what would be compared lies before the first period
    assert (
        turns_of((), labelled("W-SUN", "2021-01-03", yearly(40, "W-SUN")), settings_for("W"), 4)
        == ()
    )


def test_a_forecast_of_two_years_after_the_training_still_knows_the_season() -> None:
    demand = yearly(156, "W-SUN")
    shown = labelled("W-SUN", "2021-01-03", demand)
    settings = settings_for("W-SUN")
    state = fit_state(shown, settings, np.full(60, 103))
    (turns,) = turns_of(state.seasons, shown, settings, 4)
    turns = starting_at((turns,), np.arange(60), np.zeros(60, int))[0]
    at = np.full((60, 1), 153)
    assert np.abs(turns.growth(at, 4)).min() > 0


def test_a_panel_that_starts_later_is_laid_out_at_the_same_dates() -> None:
    demand = yearly(170, "W-SUN", noise=0.2)
    whole = labelled("W-SUN", "2021-01-03", demand)
    settings = settings_for("W-SUN")
    state = fit_state(whole, settings, np.full(60, 169))
    recent = labelled("W-SUN", str(whole.timestamps[100]), demand[:, 100:])
    grown = []
    for shown, origin in ((whole, 165), (recent, 65)):
        turns = starting_at(
            turns_of(state.seasons, shown, settings, 8), np.arange(60), np.zeros(60, int)
        )
        grown.append(turns[0].growth(np.full((60, 1), origin), 8))
    np.testing.assert_array_equal(*grown)


def test_easter_is_compared_with_easter() -> None:
    shown = labelled("W-SUN", "2021-01-03", yearly(140, "W-SUN"))
    turns = turns_in(shown, 4, country="GB")
    place = {day: int(shown.timestamps.get_loc(day)) for day in ("2021-04-04", "2022-04-17")}
    assert turns.plain[0, place["2022-04-17"]] == place["2021-04-04"] + 2
    assert turns.back[0, place["2022-04-17"]] == place["2021-04-04"]
    assert turns.back[0, place["2022-04-17"] + 1] == place["2021-04-04"] + 1
    assert turns.back[0, place["2022-04-17"] + 10] == turns.plain[0, place["2022-04-17"] + 10]


def test_a_category_is_believed_as_far_as_its_halves_agree() -> None:
    rng = np.random.default_rng(1)
    base = yearly(110, "W-SUN", noise=0.4, num_series=90)
    wave = np.exp(0.5 * np.cos(2 * np.pi * np.arange(110) / 52))
    demand = base.copy()
    demand[::3] *= wave  # one category of three has a season of its own
    kind = np.resize(["own", "none", "neither"], 90)
    codes = {"kind": np.resize([1, 2, 3], 90)}
    labels = pd.DatetimeIndex(pd.date_range("2021-01-03", periods=110, freq="W-SUN"))
    names = {"kind": ("own", "none", "neither")}
    (index,) = fit_seasons(demand, labels, "W-SUN", codes, names)
    shares = {name: np.std(values) for name, values in index.groups.items()}
    assert shares["kind=own"] > 0.2
    shuffled = {"kind": rng.permutation(codes["kind"])}
    (noise,) = fit_seasons(base, labels, "W-SUN", shuffled, names)
    assert max(np.std(noise.groups[f"kind={name}"]) for name in set(kind)) < 0.04


def test_launches_do_not_look_like_growth() -> None:
    demand = yearly(110, "W-SUN")
    late = demand.copy()
    late[::2, :60] = np.nan
    labels = pd.DatetimeIndex(pd.date_range("2021-01-03", periods=110, freq="W-SUN"))
    found = [fit_seasons(d, labels, "W-SUN", {}, {})[0].groups[""] for d in (demand, late)]
    np.testing.assert_allclose(*found, atol=1e-3)


def test_closed_days_and_series_without_demand_give_finite_numbers() -> None:
    demand = yearly(420)
    demand[:, 6::7] = 0.0
    demand[:, 100:120] = 0.0
    demand[:30] = 0.0
    turns = turns_in(labelled("D", "2021-01-03", demand), 28)
    assert np.isfinite(turns.growth(np.full((60, 3), [200, 380, 419]), 28)).all()


def test_hours_have_a_week_and_a_year() -> None:
    hour = np.arange(24 * 7 * 5)
    weekend = (hour // 24) % 7 >= 5
    demand = np.where(weekend, 5.0, 20.0) * np.ones((60, 1))
    shown = labelled("h", "2021-01-04", demand)
    turns = turns_in(shown, 30)
    tuesday, friday = (24 * (28 + day) + 12 for day in (1, 4))
    grown = turns.growth(np.full((60, 2), [tuesday, friday]), 30)[0, :, :, 0]
    assert grown[0] == pytest.approx(0.0, abs=0.05)
    assert grown[1, -1] < -1.0


def test_seasons_are_stored_with_the_other_constants(tmp_path: Path) -> None:
    kinds = np.resize(["a", "b"], 60)
    shown = labelled("W-SUN", "2021-01-03", yearly(80, "W-SUN", noise=0.2), kind=kinds)
    state = fit_state(shown, settings_for("W-SUN"), np.full(60, 79))
    assert set(state.seasons[0].groups) == {"", "kind=a", "kind=b"}
    write_state(tmp_path / "state.json", state)
    assert read_state(tmp_path / "state.json") == state


def test_demand_after_the_training_is_not_learned_from() -> None:
    demand = yearly(110, "W-SUN", noise=0.2)
    other = demand.copy()
    other[:, 100:] *= 7.0
    states = [
        fit_state(labelled("W-SUN", "2021-01-03", d), settings_for("W-SUN"), np.full(60, 99))
        for d in (demand, other)
    ]
    assert states[0] == states[1]
