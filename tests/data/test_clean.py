"""From a user's table to a panel: every rule counted, every complaint located."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from restock.data.clean import make_panel
from restock.data.folds import earliest_origins, make_folds
from restock.data.raw import RawTable
from restock.data.read import read_table
from restock.data.store import load_panel, save_panel
from restock.errors import ConfigError, DataError
from restock.features.fit import fit_state
from restock.settings.panel import PanelSettings
from restock.settings.source import TableForm
from support.builders import DATA, evaluation, features, make_features, table


def read(path: Path, content: pd.DataFrame | str) -> RawTable:
    """Write a CSV and read it back as the fetch stage leaves it."""
    file = path / "own.csv"
    if isinstance(content, str):
        file.write_text(content, encoding="utf-8")
    else:
        content.to_csv(file, index=False)
    return read_table(path, TableForm())


def data(**changes: object) -> PanelSettings:
    own = {name: value for name, value in DATA.items() if name not in ("name", "source")}
    return PanelSettings.model_validate({**own, **changes})


def test_rows_become_series_on_a_regular_grid(tmp_path: Path) -> None:
    panel, report = make_panel(read(tmp_path, table(3, 60)), data())
    assert panel.series_id.tolist() == ["store 0/item 0", "store 0/item 2", "store 1/item 1"]
    assert panel.demand.shape == (3, 60)
    assert report["total_demand"] == table(3, 60)["sales"].sum()


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    rows = table(3, 60)
    first, _ = make_panel(read(tmp_path, rows), data())
    second, _ = make_panel(read(tmp_path, rows.sample(frac=1, random_state=7)), data())
    np.testing.assert_array_equal(first.demand, second.demand)
    assert first.series_id.tolist() == second.series_id.tolist()


def test_a_panel_survives_a_round_trip_through_files(tmp_path: Path) -> None:
    columns = {**DATA["columns"], "known_future": ["promo"]}  # type: ignore[dict-item]
    rows = table(2, 30)
    rows.loc[rows["date"] >= "2020-07-01", "sales"] = np.nan
    panel, _ = make_panel(read(tmp_path, rows), data(columns=columns))
    assert panel.num_future == 4
    save_panel(panel, tmp_path / "panel")
    again = load_panel(tmp_path / "panel")
    np.testing.assert_array_equal(panel.demand, again.demand)
    np.testing.assert_array_equal(panel.known_future["promo"], again.known_future["promo"])
    assert again.timestamps.equals(panel.timestamps)
    assert again.frequency == panel.frequency


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("mask", [np.nan, 5, np.nan, 7]),
        ("zero", [np.nan, 5, 0, 7]),
        ("zero_from_start", [0, 5, 0, 7]),
    ],
)
def test_missing_periods_follow_the_configured_policy(
    tmp_path: Path, missing: str, expected: list[float]
) -> None:
    text = (
        "date,store,item,sales\n2020-01-05,a,x,1\n2020-01-12,a,y,5\n2020-01-26,a,y,7\n"
        "2020-01-26,a,x,1\n"
    )
    panel, _ = make_panel(read(tmp_path, text), data(missing=missing))
    np.testing.assert_array_equal(panel.demand[1], expected)


def test_weekly_sums_equal_an_independent_group_by(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    days = pd.Series(pd.date_range("2021-01-04", periods=70, freq="D"))
    rows = pd.DataFrame({"date": days, "store": "a", "item": "x", "sales": rng.integers(0, 9, 70)})
    panel, _ = make_panel(read(tmp_path, rows), data(aggregation="sum"))
    oracle = rows.set_index("date")["sales"].resample("W-SUN").sum()
    np.testing.assert_array_equal(panel.demand[0], oracle.to_numpy())
    assert panel.timestamps[0] == oracle.index[0]


def test_integer_periods_count_from_their_start(tmp_path: Path) -> None:
    text = "date,store,item,sales\n2,a,x,5\n3,a,x,6\n"
    columns = {**DATA["columns"], "timestamp": {"column": "date", "start": "2020-01-31"}}  # type: ignore[dict-item]
    panel, _ = make_panel(read(tmp_path, text), data(columns=columns, frequency="MS"))
    assert [str(t.date()) for t in panel.timestamps] == ["2020-03-01", "2020-04-01"]


def test_exp_undoes_a_logarithm(tmp_path: Path) -> None:
    text = "date,store,item,sales\n2020-01-05,a,x,0\n2020-01-12,a,x,2\n"
    columns = {**DATA["columns"], "demand": {"column": "sales", "transform": "exp"}}  # type: ignore[dict-item]
    panel, _ = make_panel(read(tmp_path, text), data(columns=columns))
    np.testing.assert_allclose(panel.demand[0], [1.0, np.e**2])


def test_rules_drop_rows_and_count_them(tmp_path: Path) -> None:
    text = (
        "invoice,date,store,item,sales\n"
        "1,2020-01-05,a,85123a,6\n"
        "1,2020-01-05,a,85123a,6\n"  # the same row again
        "2,2020-01-05,a,POST,1\n"  # not a product
        "C3,2020-01-12,a,85123A,-6\n"  # takes back invoice 1
        "4,2020-01-12,a,85123A,-2\n"  # a correction
        "5,2020-01-12,a,85123A,3\n"
    )
    cancellations = {"column": "invoice", "prefix": "C", "match": ["item"], "quantity": "sales"}
    rules = {
        "drop_duplicate_rows": True,
        "uppercase": ["item"],
        "keep_matching": {"item": r"^\d{5}[A-Z]*$"},
        "cancellations": cancellations,
        "keep_positive": ["sales"],
    }
    raw = read(tmp_path, text)
    panel, report = make_panel(raw, data(rules=rules, aggregation="sum"))
    assert list(report["dropped"].values()) == [1, 1, 1, 1]
    assert report["cancellations"] == {
        "lines": 1, "matched_sales": 1, "matched_units": 6.0, "netted": False,
    }  # fmt: skip
    np.testing.assert_array_equal(panel.demand[0], [6, 3])
    netted = {**rules, "cancellations": {**cancellations, "net": True}}
    panel, report = make_panel(raw, data(rules=netted, aggregation="sum"))
    np.testing.assert_array_equal(panel.demand[0], [3])
    assert report["dropped"]["sales cancelled later"] == 1


def test_derived_statics_read_only_a_series_first_periods(tmp_path: Path) -> None:
    text = (
        "date,store,item,sales,price\n2020-01-05,a,x,1,2\n2020-01-12,a,x,1,2\n2020-03-01,a,x,1,90\n"
    )
    derived = {"band": {"column": "price", "how": "band", "edges": [1.0, 10.0, 50.0]}}
    raw = read(tmp_path, text)
    early, _ = make_panel(raw, data(derived_static=derived, derived_static_periods=4))
    late, _ = make_panel(
        raw.with_rows(raw.rows.tail(1)), data(derived_static=derived, derived_static_periods=4)
    )
    assert early.static["band"].tolist() == ["band 1"]
    assert late.static["band"].tolist() == ["band 3"]


def test_derived_statics_read_nothing_after_an_origin_that_a_series_is_forecast_from(
    tmp_path: Path,
) -> None:
    weeks = [str(d.date()) for d in pd.date_range("2020-01-05", periods=40, freq="W-SUN")]
    # Sold from week 20 on, and dearer from week 28: it takes part in a fold from week 27.
    rows = [f"{week},a,old,1,2" for week in weeks]
    rows += [f"{week},a,young,1,{2 if at < 28 else 90}" for at, week in enumerate(weeks) if at > 19]
    # After every origin: its first weeks are what a forecast of the coming ones may know.
    rows += [f"{week},a,youngest,1,90" for week in weeks[36:]]
    raw = read(tmp_path, "\n".join(["date,store,item,sales,price", *rows]) + "\n")
    settings = data(
        derived_static={"band": {"column": "price", "how": "band", "edges": [1.0, 50.0]}},
        derived_static_periods=26,
    )
    folds = evaluation(horizon=3, num_folds=2, stride=3, num_tuning_folds=2)
    panel, _ = make_panel(raw, settings, folds)
    assert earliest_origins(panel, folds).tolist() == [27, 27, 39]
    assert panel.static["band"].tolist() == ["band 1", "band 1", "band 2"]
    all_of_it, _ = make_panel(raw, settings)
    assert all_of_it.static["band"].tolist() == ["band 1", "band 2", "band 2"]


def test_a_panel_whose_statics_know_too_much_for_other_folds_is_refused(tmp_path: Path) -> None:
    """And one that was written and read again, too."""
    rows = table(2, 40).assign(price=2)
    settings = data(
        derived_static={"band": {"column": "price", "how": "band", "edges": [1.0]}},
        derived_static_periods=30,
    )
    folds = evaluation(horizon=3, num_folds=1, stride=3, num_tuning_folds=1)
    panel, _ = make_panel(read(tmp_path, rows), settings, folds)
    save_panel(panel, tmp_path / "panel")
    saved = load_panel(tmp_path / "panel")
    assert make_folds(saved, folds).tuning[0].train_end.tolist() == [33, 33]
    earlier = evaluation(horizon=3, num_folds=4, stride=3, num_tuning_folds=1)
    with pytest.raises(DataError, match=r"made for other folds.*restock prepare"):
        make_folds(saved, earlier)


def test_prices_that_begin_after_every_origin_are_no_column_without_numbers(tmp_path: Path) -> None:
    rows = table(2, 40)
    rows["price"] = np.where(rows.groupby("item").cumcount() > 37, 2.0, np.nan)
    derived = {"band": {"column": "price", "how": "band", "edges": [1.0]}}
    folds = evaluation(horizon=3, num_folds=1, stride=3, num_tuning_folds=1)
    panel, _ = make_panel(read(tmp_path, rows), data(derived_static=derived), folds)
    assert panel.static["band"].isna().all()
    with pytest.raises(DataError, match="row 2, column 'price' holds 'x', expected a number"):
        make_panel(read(tmp_path, rows.assign(price="x")), data(derived_static=derived), folds)


def test_a_product_without_a_price_is_in_no_band(tmp_path: Path) -> None:
    derived = {"band": {"column": "price", "how": "band", "edges": [1.0]}}
    text = "date,store,item,sales,price\n2020-01-05,a,x,1,2\n2020-01-05,a,y,1,\n"
    panel, _ = make_panel(read(tmp_path, text), data(derived_static=derived))
    assert panel.static["band"].fillna("none").tolist() == ["band 1", "none"]


BAD = {
    "a missing column": (
        "date,store,item,amount\n2020-01-05,a,x,1\n",
        r"own\.csv: no column 'sales'",
    ),
    "text in a number": (
        "date,store,item,sales\n2020-01-05,a,x,1\n2020-01-12,a,x,many\n",
        r"own\.csv: row 3, column 'sales' holds 'many'",
    ),
    "a date that is none": (
        "date,store,item,sales\n2020-01-05,a,x,1\n2020-02-31,a,x,1\n",
        r"own\.csv: row 3, column 'date' holds '2020-02-31'",
    ),
    "infinite demand": (
        "date,store,item,sales\n2020-01-05,a,x,inf\n",
        r"own\.csv: row 2, column 'sales' holds 'inf'",
    ),
    "negative demand": (
        "date,store,item,sales\n2020-01-05,a,x,-4\n",
        r"own\.csv: row 2, column 'sales': negative demand -4",
    ),
    "two rows for one period": (
        "date,store,item,sales\n2020-01-05,a,x,1\n2020-01-04,a,x,1\n",
        r"own\.csv: row 3: series 'a/x' has two rows.*data\.aggregation",
    ),
    "only a header": ("date,store,item,sales\n", r"own\.csv: the table has no rows"),
    "nothing at all": ("", r"own\.csv: the file is empty"),
    "a row without a key": (
        "date,store,item,sales\n2020-01-05,a,x,1\n2020-01-12,a,,1\n",
        r"own\.csv: row 3, column 'item' is empty, expected a key",
    ),
    "no demand": ("date,store,item,sales\n2020-01-05,a,x,\n", "column 'sales' is empty"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    text, message = BAD[case]
    with pytest.raises(DataError, match=message):
        make_panel(read(tmp_path, text), data())


def test_an_unknown_frequency_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown 'W-SAN'.*Did you mean 'W-SAT'|'W-SUN'"):
        make_panel(read(tmp_path, table(1, 5)), data(frequency="W-SAN"))


def test_a_known_future_column_with_a_hole_in_the_future_is_named(tmp_path: Path) -> None:
    rows = table(2, 30)
    rows["promo"] = rows["promo"].astype("Float64")
    future = rows["date"] >= "2020-07-01"
    rows.loc[future, "sales"] = np.nan
    rows.loc[rows.index[-1], "promo"] = pd.NA
    columns = {**DATA["columns"], "known_future": ["promo"]}  # type: ignore[dict-item]
    with pytest.raises(DataError, match=r"'promo' is missing after the last demand.*2020-07-26"):
        make_panel(read(tmp_path, rows), data(columns=columns))


def test_a_decimal_comma_is_read_when_configured(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("date;store;item;sales\n2020-01-05;a;x;1,5\n")
    form = {"separator": ";", "decimal": ","}
    raw = read_table(tmp_path, TableForm.model_validate(form))
    panel, _ = make_panel(raw, data())
    assert panel.demand.tolist() == [[1.5]]


def test_covariates_may_be_called_like_our_own_columns(tmp_path: Path) -> None:
    rows = table(2, 30).assign(period=7.0, level=100.0, stamp=1.0)
    observed = ["period", "level", "stamp"]
    columns = {**DATA["columns"], "observed": observed}  # type: ignore[dict-item]
    panel, _ = make_panel(read(tmp_path, rows), data(columns=columns))
    assert set(panel.observed) == set(observed)
    made = make_features(panel, features(), fit_state(panel, features(), np.full(2, 20)), 2)
    assert made.scale.max() < 50  # not exp(100)


def test_a_column_has_one_role() -> None:
    columns = {**DATA["columns"], "observed": ["promo"], "known_future": ["promo"]}  # type: ignore[dict-item]
    with pytest.raises(ValidationError, match="promo have more than one role"):
        data(columns=columns)


def test_numeric_statics_of_a_csv_are_numbers(tmp_path: Path) -> None:
    rows = table(3, 30)
    rows["size"] = rows["item"].str[-1].astype(int) * 10
    columns = {**DATA["columns"], "static": ["size", "item"]}  # type: ignore[dict-item]
    panel, _ = make_panel(read(tmp_path, rows), data(columns=columns))
    assert panel.static["size"].tolist() == [0.0, 20.0, 10.0]
    assert panel.static["item"].tolist() == ["item 0", "item 2", "item 1"]


def test_a_discontinued_series_needs_no_known_future(tmp_path: Path) -> None:
    rows = table(2, 30)
    rows["sales"] = rows["sales"].astype("Float64").mask(rows["date"] >= "2020-07-01")
    gone = rows["item"].eq("item 1") & (rows["date"] >= "2020-05-01")
    columns = {**DATA["columns"], "known_future": ["promo"]}  # type: ignore[dict-item]
    panel, _ = make_panel(read(tmp_path, rows[~gone]), data(columns=columns))
    assert panel.num_future == 4
