"""Tables as people hand them in: read right, or refused with what to do; what was guessed is said.

Each kind comes with other names, separators and sizes than the one it was found with.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restock.data.clean import make_panel
from restock.data.raw import joined
from restock.data.read import read_table
from restock.data.rows import read_rows
from restock.data.store import load_panel, save_panel
from restock.errors import ConfigError, DataError
from restock.forecasters.baselines.make import make_baselines
from restock.settings.panel import PanelSettings
from restock.settings.source import TableForm
from restock.types.panel import DemandPanel
from support.builders import baselines, evaluation, features

COLUMNS = {"timestamp": "day", "series": ["article"], "demand": "sold"}


def long(
    ids: tuple[str, ...] = ("a", "b"),
    num_steps: int = 60,
    freq: str = "W-SUN",
    rate: float = 20,
    start: str = "2021-01-03",
) -> pd.DataFrame:
    """Rows of Poisson demand."""
    days = pd.date_range(start, periods=num_steps, freq=freq)
    sold = np.random.default_rng(1).poisson(rate, (len(ids), num_steps))
    return pd.DataFrame(
        {
            "article": np.repeat(ids, num_steps),
            "day": np.tile(days, len(ids)),
            "sold": sold.ravel(),
        }
    )


def prepared(
    folder: Path,
    files: pd.DataFrame | dict[str, bytes | str | pd.DataFrame],
    form: dict[str, Any] | None = None,
    columns: dict[str, Any] | None = None,
    **changes: Any,
) -> tuple[DemandPanel, list[str]]:
    """Write files, and prepare them as the stage does. Returns the panel and what was said."""
    folder.mkdir(exist_ok=True)
    named = files if isinstance(files, dict) else {"sales.csv": files}
    for name, content in named.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pd.DataFrame):
            content.to_csv(path, index=False)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    own = {"columns": {**COLUMNS, **(columns or {})}, "frequency": "W-SUN", **changes}
    roles = PanelSettings.model_validate(own)
    raw = read_rows(folder, roles, TableForm.model_validate(form or {}))
    panel, report = make_panel(raw, roles)
    return panel, report["said"]


def german(values: Any, digits: int) -> list[str]:
    """Write numbers with points between thousands and a decimal comma."""
    return [f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,")) for value in values]


@pytest.fixture(scope="module")
def truth() -> DemandPanel:
    raw = long()
    shape = raw["sold"].to_numpy(dtype=float).reshape(2, -1)
    grid = pd.DatetimeIndex(raw["day"][:60])
    return DemandPanel(
        np.array(["a", "b"], dtype=object), grid, shape, np.ones((2, 60), dtype=bool), "W-SUN"
    )


# Tables that are plainly right: (how they are written, what is set, other columns' roles).
def _csv(**options: Any) -> Callable[[pd.DataFrame], bytes]:
    encoding = options.pop("encoding", "utf-8")
    return lambda table: table.to_csv(index=False, **options).encode(encoding)


def _with(**columns: Any) -> Callable[[pd.DataFrame], bytes]:
    return lambda table: table.assign(**columns).to_csv(index=False).encode()


def _dates(pattern: str) -> Callable[[pd.DataFrame], bytes]:
    def written(table: pd.DataFrame) -> bytes:
        return table.assign(day=table["day"].dt.strftime(pattern)).to_csv(index=False).encode()

    return written


def _parquet(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.astype({"article": "category"}).to_parquet(content, index=False)
    return content.getvalue()


def _workbook(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.to_excel(content, index=False)
    return content.getvalue()


def _zipped(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("sales.csv", table.to_csv(index=False))
    return content.getvalue()


RIGHT: dict[str, tuple[str, Callable[[pd.DataFrame], bytes], dict[str, Any]]] = {
    "plain": ("t.csv", _csv(), {}),
    "line ends of an old Mac": ("t.csv", _csv(lineterminator="\r"), {}),
    "every cell quoted": ("t.csv", _csv(quoting=1), {}),
    "Windows' line ends": ("t.csv", _csv(lineterminator="\r\n"), {}),
    "no end of the last line": ("t.csv", lambda t: _csv()(t).rstrip(), {}),
    "a mark of UTF-8": ("t.csv", _csv(encoding="utf-8-sig"), {}),
    "UTF-16": ("t.csv", _csv(encoding="utf-16"), {}),
    "tabs": ("t.tsv", _csv(sep="\t"), {}),
    "semicolons, as set": ("t.csv", _csv(sep=";"), {"form": {"separator": ";"}}),
    "latin, as set": ("t.csv", _csv(encoding="latin-1"), {"form": {"encoding": "latin-1"}}),
    "decimals of any length": (
        "t.csv",
        _with(price=lambda t: 1 + t["sold"] / 7),
        {"columns": {"observed": ["price"]}},
    ),
    "three decimals in a table with commas": (
        "t.csv",
        _with(weight=lambda t: [f"{1 + value / 8:.3f}" for value in t["sold"]]),
        {"columns": {"observed": ["weight"]}},
    ),
    "three decimals and semicolons, as set": (
        "t.csv",
        lambda t: _csv(sep=";")(t.assign(weight=[f"{1 + v / 8:.3f}" for v in t["sold"]])),
        {"form": {"separator": ";", "decimal": "."}, "columns": {"observed": ["weight"]}},
    ),
    "flags": (
        "t.csv",
        _with(promo=lambda t: t["sold"] > 20),
        {"columns": {"known_future": ["promo"]}},
    ),
    "empty cells of a covariate": (
        "t.csv",
        _with(price=lambda t: t["sold"].where(t["sold"] > 15)),
        {"columns": {"observed": ["price"]}},
    ),
    "times of day": ("t.csv", _dates("%Y-%m-%d %H:%M:%S"), {}),
    "times in one zone": ("t.csv", _dates("%Y-%m-%dT00:00:00Z"), {}),
    "German dates, as set": (
        "t.csv",
        _dates("%d.%m.%Y"),
        {"columns": {"timestamp": {"column": "day", "format": "%d.%m.%Y"}}},
    ),
    "a column that nobody needs": ("t.csv", _with(comment="1.234,5"), {}),
    "a name in capitals": ("T.CSV", _csv(), {}),
    "Parquet": ("t.parquet", _parquet, {}),
    "a workbook": ("t.xlsx", _workbook, {}),
    "JSON lines": (
        "t.jsonl",
        lambda t: t.to_json(orient="records", lines=True, date_format="iso").encode(),
        {},
    ),
    "gzip": ("t.csv.gz", lambda t: gzip.compress(_csv()(t)), {}),
    "bzip2": ("t.csv.bz2", lambda t: bz2.compress(_csv()(t)), {}),
    "xz": ("t.csv.xz", lambda t: lzma.compress(_csv()(t)), {}),
    "zstd": ("t.csv.zst", lambda t: pa.compress(_csv()(t), codec="zstd", asbytes=True), {}),
    "zip": ("t.zip", _zipped, {}),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_table_is_read_without_a_word(
    kind: str, tmp_path: Path, truth: DemandPanel
) -> None:
    name, written, options = RIGHT[kind]
    panel, said = prepared(tmp_path / "t", {name: written(long())}, **options)
    assert said == []
    np.testing.assert_array_equal(panel.demand, truth.demand)
    assert panel.series_id.tolist() == ["a", "b"]
    assert panel.timestamps.equals(truth.timestamps.as_unit("s"))


@pytest.mark.parametrize(("separator", "factor"), [(";", 150), ("\t", 1000), ("|", 40)])
def test_points_between_thousands_are_no_decimals(
    tmp_path: Path, separator: str, factor: int
) -> None:
    rows = long(("Müller", "Groß"))
    whole = rows["sold"].to_numpy() * factor
    rows["sold"] = german(whole, 0)
    text = rows.to_csv(index=False, sep=separator)
    panel, said = prepared(tmp_path / "set", {"t.csv": text}, {"decimal": ","})
    np.testing.assert_array_equal(panel.demand.ravel(), whole.reshape(2, -1)[::-1].ravel())
    assert any("cells such as" in sentence and "read as" in sentence for sentence in said)
    # Without the setting nothing in the table settles it.
    with pytest.raises(DataError, match=r"column 'sold'.*is it \d+ or .*data.source.thousands"):
        prepared(tmp_path / "set", {"t.csv": text})
    # Another column does.
    rows["price"] = german(np.linspace(900, 2500, len(rows)), 2)
    text = rows.to_csv(index=False, sep=separator)
    panel, said = prepared(tmp_path / "by", {"t.csv": text}, columns={"observed": ["price"]})
    np.testing.assert_array_equal(panel.demand.ravel(), whole.reshape(2, -1)[::-1].ravel())
    np.testing.assert_allclose(np.sort(panel.observed["price"].ravel())[[0, -1]], [900, 2500])
    assert "numbers have a decimal comma; data.source.decimal says otherwise" in said


def test_two_conventions_in_one_folder_are_refused(tmp_path: Path) -> None:
    rows = long().assign(price=1.5)
    comma = rows.assign(price="1,75").to_csv(index=False, sep=";")
    with pytest.raises(DataError, match=r"2020\.csv.*'1\.5'.*2021\.csv.*'1,75'.*source\.decimal"):
        prepared(
            tmp_path,
            {"2020.csv": rows, "2021.csv": comma},
            columns={"observed": ["price"]},
            aggregation="sum",
        )


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["$1,620.38", "$900.50"], 1620.38),
        (["1.620,38 €", "900,50 €"], 1620.38),
        (["EUR 1620.38", "EUR 900.5"], 1620.38),
        (["1 620,38", "900,50"], 1620.38),
        (["1'620.38", "900.50"], 1620.38),
        (["1,620.38-", "900.50"], -1620.38),
        (["(1,620.38)", "900.50"], -1620.38),
        (["+1620.38", "9.5e2"], 1620.38),
    ],
)
def test_amounts_are_read_as_people_write_them(
    tmp_path: Path, cells: list[str], value: float
) -> None:
    rows = long().assign(price=np.tile(cells, 60))
    text = rows.to_csv(index=False, sep=";")
    panel, _ = prepared(tmp_path, {"t.csv": text}, columns={"observed": ["price"]})
    assert panel.observed["price"][0, 0] == pytest.approx(value)


def test_a_title_above_the_header_is_not_read_and_said(tmp_path: Path, truth: DemandPanel) -> None:
    text = "Sales report;;\n\n" + long().to_csv(index=False, sep=";")
    panel, said = prepared(tmp_path, {"t.csv": text})
    np.testing.assert_array_equal(panel.demand, truth.demand)
    assert said == ["t.csv: columns are separated by ';' and 2 lines above the header are not read"]
    wrong = text.replace(";2021-01-17;", ";soon;", 1)
    with pytest.raises(DataError, match=r"t\.csv: row 6, column 'day' holds 'soon'"):
        prepared(tmp_path, {"t.csv": wrong})


@pytest.mark.parametrize(
    "cell", ["5%", "2for1", "1,2,3", "12..5", "--3", "1.23.4", "0x1F", "inf", "(-5.25)"]
)
def test_what_is_no_number_is_refused_with_its_row(tmp_path: Path, cell: str) -> None:
    rows = long().assign(price="1.5")
    rows.loc[7, "price"] = cell
    with pytest.raises(DataError, match=r"sales\.csv: row 9, column 'price' holds '"):
        prepared(tmp_path, rows, columns={"observed": ["price"]})


def test_amounts_in_two_currencies_are_refused(tmp_path: Path) -> None:
    rows = long().assign(price=np.tile(["$5.00", "€5.00"], 60))
    with pytest.raises(DataError, match=r"column 'price' holds amounts in \$ and €"):
        prepared(tmp_path, rows, columns={"observed": ["price"]})


def test_a_slash_in_a_key_does_not_make_one_series_of_two(tmp_path: Path) -> None:
    rows = pd.concat(
        [long(("a/b",)).assign(shop="c"), long(("a",)).assign(shop="b/c")], ignore_index=True
    )
    panel, _ = prepared(tmp_path, rows, columns={"series": ["article", "shop"]}, aggregation="sum")
    assert panel.series_id.tolist() == ["a/b\\/c", "a\\/b/c"]
    np.testing.assert_array_equal(panel.demand[0], rows["sold"][:60])
    # A single key is the name itself.
    alone, _ = prepared(tmp_path / "one", long(("a/b",)))
    assert alone.series_id.tolist() == ["a/b"]


@pytest.mark.parametrize(
    ("yes", "no"), [("True", "False"), ("yes", "no"), ("Y", "N"), ("1", "0"), ("TRUE", "false")]
)
def test_flags_are_one_and_zero(tmp_path: Path, yes: str, no: str) -> None:
    on_offer = np.arange(120) % 3 == 0
    rows = long().assign(promo=np.where(on_offer, yes, no))
    panel, _ = prepared(tmp_path, rows, columns={"known_future": ["promo"]})
    np.testing.assert_array_equal(panel.known_future["promo"].ravel(), on_offer)


def test_names_known_ahead_become_a_column_for_each_frequent_one(tmp_path: Path) -> None:
    rows = long().assign(promo=np.tile(["none", "flyer", "2for1", None], 30))
    rows.loc[3, "promo"] = "once"
    panel, said = prepared(tmp_path, rows, columns={"known_future": ["promo"]})
    assert list(panel.known_future) == [
        f"promo={value}" for value in ("2for1", "flyer", "none", "other")
    ]
    np.testing.assert_array_equal(panel.known_future["promo=flyer"][1], np.arange(60) % 4 == 1)
    np.testing.assert_array_equal(np.flatnonzero(panel.known_future["promo=other"]), [3])
    assert said == [
        "column 'promo': text, read as '2for1', 'flyer', 'none' and 1 rarer values as one; 29 "
        "empty cells are none of them"
    ]


def test_which_names_are_frequent_is_not_learned_from_a_test(tmp_path: Path) -> None:
    rows = long(("a",)).assign(promo="flyer")
    rows.loc[50:, "promo"] = "new"
    rows.to_csv(tmp_path / "t.csv", index=False)
    own = {"columns": {**COLUMNS, "known_future": ["promo"]}, "frequency": "W-SUN"}
    roles = PanelSettings.model_validate(own)
    folds = evaluation(horizon=4, num_folds=1, stride=4, num_tuning_folds=2)
    panel, _ = make_panel(read_rows(tmp_path, roles), roles, folds)
    assert list(panel.known_future) == ["promo=flyer", "promo=other"]
    # A table with the columns of a trained model and the text gives the same columns.
    asked = roles.model_copy(
        update={
            "columns": roles.columns.model_copy(
                update={"known_future": ("promo=flyer", "promo=other")}
            )
        }
    )
    again, _ = make_panel(read_table(tmp_path), asked)
    for name in panel.known_future:
        np.testing.assert_array_equal(again.known_future[name], panel.known_future[name])


def test_a_living_series_without_future_rows_is_counted(tmp_path: Path) -> None:
    rows = long(("a", "b", "c")).assign(price=2.0)
    rows = rows[(rows["article"] != "c") | (rows["day"] < "2021-12-01")]
    ahead = long(("a",), 8, start="2022-02-27").assign(price=1.5, sold=np.nan)
    _, said = prepared(tmp_path, pd.concat([rows, ahead]), columns={"known_future": ["price"]})
    assert len(said) == 1
    assert said[0].endswith(
        "1 of 3 series, such as 'b', were sold in the last period and have no rows after it: the "
        "last known values of price are repeated for them"
    )


def hourly(zone: str | None) -> pd.DataFrame:
    """A month of hours around the end of March, when clocks go forward."""
    hours = pd.date_range("2024-03-20", periods=720, freq="h", tz="Europe/Berlin")
    return pd.DataFrame(
        {"article": "a", "day": hours.tz_convert(zone).astype(str), "sold": np.arange(720)}
    )


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
def test_hours_around_summer_time_are_neither_lost_nor_doubled(tmp_path: Path, zone: str) -> None:
    panel, said = prepared(tmp_path, hourly(zone), frequency="h")
    np.testing.assert_array_equal(panel.demand[0], np.arange(720))
    assert len(said) == (zone == "Europe/Berlin")


def test_a_day_is_the_day_of_the_zone_that_was_set(tmp_path: Path) -> None:
    column = {"column": "day", "timezone": "Europe/Berlin"}
    panel, _ = prepared(
        tmp_path, hourly("UTC"), columns={"timestamp": column}, frequency="D", aggregation="sum"
    )
    local = pd.date_range("2024-03-20", periods=720, freq="h", tz="Europe/Berlin")
    oracle = pd.Series(np.arange(720)).groupby(local.date).sum()
    np.testing.assert_array_equal(panel.demand[0], oracle)  # the 31st has 23 hours
    unknown = {"column": "day", "timezone": "Europe/Berlln"}
    with pytest.raises(ConfigError, match=r"timezone: unknown zone 'Europe/Berlln'"):
        prepared(tmp_path, hourly("UTC"), columns={"timestamp": unknown}, frequency="h")


def test_an_hour_that_comes_twice_without_a_zone_is_refused(tmp_path: Path) -> None:
    hours = pd.date_range("2024-10-26", periods=72, freq="h", tz="Europe/Berlin")
    rows = pd.DataFrame(
        {"article": "a", "day": hours.tz_localize(None).astype(str), "sold": np.arange(72)}
    )
    with pytest.raises(DataError, match=r"row 29: series 'a' has two rows for the period"):
        prepared(tmp_path, rows, frequency="h")


@pytest.mark.parametrize(("alias", "num_steps"), [("B", 200), ("15min", 96 * 9), ("5min", 900)])
def test_grids_of_business_days_and_minutes(tmp_path: Path, alias: str, num_steps: int) -> None:
    rows = long(("a", "b"), num_steps, alias)
    panel, said = prepared(tmp_path, rows, frequency=alias)
    assert said == []
    np.testing.assert_array_equal(panel.demand.ravel(), rows["sold"])
    np.testing.assert_array_equal(panel.timestamps, rows["day"][:num_steps].astype("M8[s]"))


def test_a_weekend_is_no_business_day(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2, column 'day'.*expected a business day"):
        prepared(tmp_path, long(num_steps=40, freq="D"), frequency="B")


@pytest.mark.parametrize("alias", ["B", "5min", "30min", "h", "D", "W-WED", "MS", "QE", "YS"])
def test_a_period_and_its_label_agree(alias: str) -> None:
    from restock.data.frequency import Frequency

    frequency = Frequency.of(alias)
    days = pd.Series(pd.date_range("1969-11-03 00:07", periods=5000, freq="7h13min"))
    days = days[frequency.covers(days)]
    ordinals = frequency.ordinals(days)
    first = int(ordinals.min())
    labels = frequency.labels(first, int(ordinals.max()) - first + 1)
    oracle = pd.date_range(labels[0], labels[-1], freq=frequency.label).as_unit("s")
    assert labels.equals(oracle)
    np.testing.assert_array_equal(
        frequency.ordinals(pd.Series(labels)), np.arange(first, first + len(labels))
    )


def test_what_is_closed_stays_closed_in_forecasts(tmp_path: Path) -> None:
    rows = long(num_steps=140, freq="D")
    rows = rows[rows["day"].dt.day_of_week < 5]
    panel, _ = prepared(tmp_path, rows, frequency="D")
    assert panel.closed == (5, 6)
    save_panel(panel, tmp_path / "panel")
    panel = load_panel(tmp_path / "panel")
    levels = np.array([0.1, 0.5, 0.95])
    made = make_baselines(baselines(names=["moving_mean", "ets"]), 9, features(), levels, 0)
    end = np.full(2, panel.num_steps - 1)
    for model in made.values():
        forecast = model.fit(panel, end).predict(panel, end)
        days = pd.DatetimeIndex(forecast.timestamps[0]).day_of_week
        assert (forecast.quantiles[:, days >= 5] == 0).all()
        assert (forecast.point[:, days >= 5] == 0).all()
        assert (forecast.quantiles[:, days < 5, 2] > 0).all()
        saturday = int(np.flatnonzero(days == 5)[-1])
        before = forecast.cumulative[:, saturday - 1]
        np.testing.assert_array_equal(forecast.cumulative[:, saturday], before)


@pytest.mark.parametrize("open_days", [5, 6, 4])
def test_days_on_which_all_are_closed_have_no_demand(tmp_path: Path, open_days: int) -> None:
    rows = long(num_steps=140, freq="D")
    rows = rows[rows["day"].dt.day_of_week < open_days]
    panel, said = prepared(tmp_path, rows, frequency="D")
    closed = panel.timestamps.day_of_week >= open_days
    first = int(np.flatnonzero(~closed)[0])
    assert (panel.demand[:, first:][:, closed[first:]] == 0).all()
    assert np.isfinite(panel.demand[:, first:]).all()
    assert [sentence.split(":")[0] for sentence in said] == [
        {5: "closed on Saturday, Sunday", 6: "closed on Sunday"}.get(
            open_days, "closed on Friday, Saturday, Sunday"
        )
    ]


def test_closed_days_may_be_said(tmp_path: Path) -> None:
    rows = long(num_steps=140, freq="D", rate=50)
    sundays = rows["day"].dt.day_of_week == 6
    rows = rows[~sundays | (rows.index == 7)]  # one Sunday was open
    unknown, said = prepared(tmp_path, rows, frequency="D")
    assert said == []
    assert np.isnan(unknown.demand).any()
    panel, said = prepared(tmp_path, rows, frequency="D", closed="SUN")
    assert said == []
    assert np.isfinite(panel.demand[0]).all()
    assert panel.demand[0, 6] > 0  # the grid starts on the first Monday
    assert (panel.demand[0, 13::7] == 0).all()
    with pytest.raises(ConfigError, match="closed is for daily data"):
        prepared(tmp_path, rows, aggregation="sum", closed="SUN")


def test_a_day_may_start_in_the_morning(tmp_path: Path) -> None:
    hours = pd.date_range("2021-01-03 06:00", periods=24 * 30, freq="h")
    rows = pd.DataFrame({"article": "a", "day": hours, "sold": np.arange(len(hours))})
    column = {"column": "day", "day_starts_at": 6}
    panel, _ = prepared(
        tmp_path, rows, columns={"timestamp": column}, frequency="D", aggregation="sum"
    )
    assert panel.demand[0].tolist() == rows["sold"].to_numpy().reshape(30, 24).sum(axis=1).tolist()
    with pytest.raises(ConfigError, match="day_starts_at is for days and longer"):
        prepared(tmp_path, rows, columns={"timestamp": column}, frequency="h")


@pytest.mark.parametrize(("freq", "alias", "rate"), [("D", "D", 0.15), ("W-SUN", "W-SUN", 0.3)])
def test_a_table_without_rows_where_nothing_was_sold_asks_what_that_means(
    tmp_path: Path, freq: str, alias: str, rate: float
) -> None:
    rows = long(tuple("abcde"), 300, freq, rate=rate)
    rows = rows[rows["sold"] > 0]
    with pytest.raises(DataError, match=r"[678]\d% of the periods .* Set data\.missing: `zero`"):
        prepared(tmp_path, rows, frequency=alias)
    zero, said = prepared(tmp_path, rows, frequency=alias, missing="zero")
    assert said == []
    assert zero.demand[np.isfinite(zero.demand)].mean() == pytest.approx(rate, rel=0.2)
    _, said = prepared(tmp_path, rows, frequency=alias, missing="mask")
    assert len(said) == 1
    assert said[0].endswith("no row; data.missing=mask takes them as unknown, not as 0")


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_rows_that_are_really_missing_are_unknown_without_a_word(
    tmp_path: Path, share: float
) -> None:
    rows = long(num_steps=200)
    rows = rows[np.random.default_rng(0).random(len(rows)) > share]
    panel, said = prepared(tmp_path, rows)
    assert said == []
    assert np.isnan(panel.demand).any()


@pytest.mark.parametrize("policy", ["clip", "reject", "keep_missing"])
def test_returns_count_before_the_policy_for_negative_demand(tmp_path: Path, policy: str) -> None:
    rows = long(num_steps=200, freq="D", rate=8)
    back = rows[::4].assign(sold=lambda table: -(table["sold"] // 2))
    both = pd.concat([rows, back[back["sold"] < 0]]).sort_values(["day", "article"])
    panel, said = prepared(tmp_path, both, aggregation="sum", negative=policy)
    assert panel.demand.sum() == both["sold"].sum()
    lines = int((both["sold"] < 0).sum())
    assert said[0].startswith(f"column 'sold': {lines} rows take back {-back['sold'].sum()} in all")


def test_a_period_that_stays_negative_follows_the_policy(tmp_path: Path) -> None:
    rows = long()
    rows.loc[60 + 5, "sold"] = -3
    message = r"row 67, column 'sold': negative demand -3 of series 'b' in its period \(1 such"
    with pytest.raises(DataError, match=message):
        prepared(tmp_path, rows)
    clipped, _ = prepared(tmp_path, rows, negative="clip")
    assert clipped.demand[1, 5] == 0
    unknown, _ = prepared(tmp_path, rows, negative="keep_missing")
    assert np.isnan(unknown.demand[1, 5])


def test_a_file_that_lacks_a_column_is_named_and_none_is_left_out(tmp_path: Path) -> None:
    rows = long(num_steps=156)
    years = [table for _, table in rows.groupby(rows["day"].dt.year)]
    files: dict[str, Any] = {"2021.csv": years[0], "2023.CSV": years[2]}
    other = {**files, "2022.csv": years[1].rename(columns={"sold": "quantity"})}
    with pytest.raises(DataError, match=r"2022\.csv: no column 'sold'.*quantity"):
        prepared(tmp_path / "other", other)
    same = {**files, "2022.csv": years[1].rename(columns={"sold": " SOLD", "day": "Day"})}
    panel, _ = prepared(tmp_path / "same", same)
    assert panel.demand.sum() == rows["sold"].sum()


def test_every_file_of_a_folder_is_read_or_reported(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "shop=1/2021.csv": long(),
        "shop=2/2021.parquet": _parquet(long()),
        "all.parquet/part-0.parquet": _parquet(long().assign(shop="3")),
        "notes.txt": "x",
        "old/2019.csv": long(),
        ".hidden.csv": "x",
    }
    panel, said = prepared(tmp_path, files, columns={"series": ["shop", "article"]})
    assert panel.series_id.tolist() == ["1/a", "1/b", "2/a", "2/b", "3/a", "3/b"]
    assert said == ["not read, because they are no tables: notes.txt, old/"]


def test_a_column_of_numbers_here_and_of_text_there_is_read(tmp_path: Path) -> None:
    files = {
        "1.parquet": _parquet(long(("1001", "1002")).assign(article=lambda t: t["article"])),
        "2.csv": long(("1003",)).assign(sold=lambda t: t["sold"].astype(str)),
    }
    panel, _ = prepared(tmp_path, files)
    assert panel.series_id.tolist() == ["1001", "1002", "1003"]
    np.testing.assert_array_equal(panel.demand[2], long(("1003",))["sold"])


def test_keys_that_a_spreadsheet_made_numbers_stay_keys(tmp_path: Path) -> None:
    rows = long(("1001", "1002"))
    floats, said = prepared(tmp_path / "text", rows.assign(article=rows["article"] + ".0"))
    assert floats.series_id.tolist() == ["1001", "1002"]
    assert said == ["column 'article': 120 keys such as '1001.0' read as '1001'"]
    book = rows.assign(article=rows["article"].astype(float))
    panel, _ = prepared(tmp_path / "book", {"t.xlsx": _workbook(book)})
    assert panel.series_id.tolist() == ["1001", "1002"]
    versions, _ = prepared(tmp_path / "v", long(("1.0", "1.5")))
    assert versions.series_id.tolist() == ["1.0", "1.5"]


def test_a_separator_at_the_end_of_each_row_shifts_nothing(tmp_path: Path) -> None:
    header, *lines = long().to_csv(index=False).splitlines()
    panel, _ = prepared(tmp_path, {"t.csv": "\n".join([header, *(line + "," for line in lines)])})
    np.testing.assert_array_equal(panel.demand.ravel(), long()["sold"])


def test_the_last_row_is_the_latest_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    rows = long(num_steps=140, freq="D")
    forward, _ = prepared(tmp_path / "1", rows, aggregation="last")
    backward, _ = prepared(tmp_path / "2", rows[::-1], aggregation="last")
    np.testing.assert_array_equal(forward.demand, backward.demand)
    np.testing.assert_array_equal(forward.demand[0, 1], rows["sold"][7])


def weekly_numbers(table: pd.DataFrame, prefix: int) -> pd.DataFrame:
    iso = table["day"].dt.isocalendar()
    number = prefix + iso["year"] % (10000 if prefix == 0 else 100) * 100 + iso["week"]
    return table.assign(day=number.to_numpy(dtype=int))


@pytest.mark.parametrize(
    ("prefix", "pattern"), [(10000, "1%g%V"), (0, "%G%V")], ids=["11152", "202152"]
)
def test_a_year_and_week_in_one_number_do_not_count_periods(
    tmp_path: Path, prefix: int, pattern: str, truth: DemandPanel
) -> None:
    rows = weekly_numbers(long(), prefix)
    for column in ({"column": "day", "start": "2010-01-03"}, {"column": "day"}):
        with pytest.raises(DataError, match=rf"followed by .*format: '{pattern}'"):
            prepared(tmp_path, rows, columns={"timestamp": column})
    column = {"column": "day", "format": pattern}
    panel, _ = prepared(tmp_path, rows, columns={"timestamp": column})
    np.testing.assert_array_equal(panel.demand, truth.demand)
    assert panel.timestamps.equals(truth.timestamps.as_unit("s"))


def test_periods_that_do_count_are_taken(tmp_path: Path) -> None:
    rows = long(num_steps=230).assign(day=np.tile(np.arange(95, 325), 2))
    column = {"column": "day", "start": "2010-01-03"}
    panel, said = prepared(tmp_path, rows, columns={"timestamp": column})
    assert said == []
    assert panel.num_steps == 230


@pytest.mark.parametrize(
    ("pattern", "set_as"),
    [("%Y%m", "%Y%m"), ("%Y%m", None), ("%y%m", "%y%m"), ("%m/%Y", None), ("%b %Y", None)],
)
def test_months_are_read_as_they_are_written(
    tmp_path: Path, pattern: str, set_as: str | None
) -> None:
    rows = long(num_steps=48, freq="MS", start="2009-12-01")
    written = rows.assign(day=rows["day"].dt.strftime(pattern))
    column = {"column": "day", "format": set_as}
    panel, said = prepared(tmp_path, written, columns={"timestamp": column}, frequency="MS")
    np.testing.assert_array_equal(panel.timestamps, rows["day"][:48].astype("M8[s]"))
    assert len(said) == (set_as is None and pattern != "%Y%m")


@pytest.mark.parametrize("pattern", ["%G-W%V", "%GW%V", "%G-W%V-%u"])
def test_weeks_of_iso_8601_are_read(tmp_path: Path, pattern: str) -> None:
    rows = long(num_steps=130, start="2019-01-06")  # 2020 has a week 53
    written = rows.assign(day=rows["day"].dt.strftime(pattern))
    panel, _ = prepared(tmp_path, written)
    np.testing.assert_array_equal(panel.timestamps, rows["day"][:130].astype("M8[s]"))
    written.loc[3, "day"] = "2019-W53"
    with pytest.raises(DataError, match=r"row 5, column 'day' holds '2019-W53', expected a date"):
        prepared(tmp_path, written)


def test_a_year_and_a_week_in_two_columns_are_one_date(tmp_path: Path) -> None:
    rows = long(num_steps=130, start="2019-01-06")
    iso = rows["day"].dt.isocalendar()
    written = rows.assign(year=iso["year"], week=iso["week"]).drop(columns="day")
    column = {"column": ["year", "week"], "format": "%G %V"}
    panel, _ = prepared(tmp_path, written, columns={"timestamp": column})
    np.testing.assert_array_equal(panel.timestamps, rows["day"][:130].astype("M8[s]"))


@pytest.mark.parametrize("pattern", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d-%b-%Y"])
def test_dates_are_read_by_the_one_way_that_fits_all(tmp_path: Path, pattern: str) -> None:
    rows = long()
    written = rows.assign(day=rows["day"].dt.strftime(pattern))
    panel, said = prepared(tmp_path / "all", written)
    np.testing.assert_array_equal(panel.timestamps, rows["day"][:60].astype("M8[s]"))
    assert said == [f"column 'day': dates such as {written['day'][0]!r} read as {pattern}"]


def test_days_and_months_that_could_be_swapped_are_refused(tmp_path: Path) -> None:
    rows = long(num_steps=5, freq="D", start="2021-01-03").assign(sold=1)
    written = rows.assign(day=rows["day"].dt.strftime("%d/%m/%Y"))
    with pytest.raises(DataError, match=r"'03/01/2021': is it written as %d/%m/%Y or as %m/%d/%Y"):
        prepared(tmp_path, written, frequency="D")


@pytest.mark.parametrize("year", ["2203", "1021", "2012"])
def test_a_mistyped_year_makes_no_grid_of_centuries(tmp_path: Path, year: str) -> None:
    rows = long().astype({"day": str})
    rows.loc[7, "day"] = f"{year}-02-21"
    with pytest.raises(
        DataError, match=rf"row 9, column 'day' holds '{year}-02-21'.* is \d+ periods away"
    ):
        prepared(tmp_path, rows)


def test_a_wide_table_is_read_when_said_and_recognised_when_not(
    tmp_path: Path, truth: DemandPanel
) -> None:
    wide = long().pivot(index="article", columns="day", values="sold").reset_index()
    wide.columns = [str(name)[:10] for name in wide.columns]
    wide.insert(1, "group", "x")
    wide["total"] = 0
    with pytest.raises(DataError, match=r"60 column names are dates.*data\.columns\.wide=true"):
        prepared(tmp_path, wide)
    columns = {"wide": True, "static": ["group"]}
    panel, said = prepared(tmp_path, wide, columns=columns)
    np.testing.assert_array_equal(panel.demand, truth.demand)
    assert said == ["sales.csv: columns not read: total"]
    with pytest.raises(DataError, match="no column name is a date"):
        prepared(tmp_path / "long", long().drop(columns="day"), columns={"wide": True})


def test_a_static_column_may_not_be_called_as_the_key_of_the_panel() -> None:
    with pytest.raises(ValueError, match=r"rename the column\(s\) series_id"):
        PanelSettings.model_validate(
            {"columns": {**COLUMNS, "static": ["series_id"]}, "frequency": "D"}
        )


def test_old_encodings_are_guessed_aloud(tmp_path: Path) -> None:
    text = long(("Müller",)).to_csv(index=False).encode("cp1252")
    panel, said = prepared(tmp_path, {"t.csv": text})
    assert panel.series_id.tolist() == ["Müller"]
    assert said[0].startswith("t.csv: it is not UTF-8 and is read as cp1252, such as 'Müller,")
    with pytest.raises(DataError, match=r"t\.csv: row 2 cannot be read as utf-8 \(byte 0xfc\)"):
        prepared(tmp_path, {"t.csv": text}, {"encoding": "utf-8"})
    with pytest.raises(ConfigError, match="unknown encoding 'ANSI'"):
        prepared(tmp_path, {"t.csv": text}, {"encoding": "ANSI"})


HEADER = "day,article,sold\n"
BAD: dict[str, tuple[str, bytes, str]] = {
    "an empty file": ("t.csv", b"", r"t\.csv: the file is empty"),
    "an empty archive": ("t.csv.gz", gzip.compress(b""), r"the file is empty"),
    "a header alone": ("t.csv", HEADER.encode(), "the table has no rows"),
    "a ragged row": (
        "t.csv",
        (HEADER + "2021-01-03,a,1\n2021-01-10,a\n2021-01-17,a,3\n").encode(),
        r"row 3 has 2 cells, expected 3",
    ),
    "a quote that does not end": (
        "t.csv",
        (HEADER + '2021-01-03,a,1\n2021-01-10,"a,2\n2021-01-17,a,3\n').encode(),
        r"t\.csv: row 4 has 2 cells, expected 3",
    ),
    "two columns of one name": (
        "t.csv",
        b"day,article,sold,Sold\n2021-01-03,a,1,2\n",
        r"t\.csv: two columns are called 'sold'",
    ),
    "a number that is none": (
        "t.csv",
        (HEADER + "2021-01-03,a,1e308\n").encode(),
        r"holds '1e308', expected a number of at most 1e\+15",
    ),
    "NUL bytes": ("t.csv", (HEADER + "2021-01-03,a\0,1\n").encode(), "row 2 holds a NUL byte"),
    "a cut gzip": ("t.csv.gz", gzip.compress(HEADER.encode() * 50)[:-9], "damaged or cut off"),
    "a half Parquet": ("t.parquet", _parquet(long())[:-100], "damaged or half-written"),
    "no Parquet": ("t.parquet", HEADER.encode(), "this is no parquet file"),
    "a half workbook": ("t.xlsx", _workbook(long())[:-900], "damaged|cannot be read|cut off"),
    "a workbook with a password": (
        "t.xlsx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "protected by a password",
    ),
    "JSON cut in a line": (
        "t.jsonl",
        b'{"day": "2021-01-03", "article": "a", "sold": 1}\n{"day": "2021-',
        "row 2 is no JSON",
    ),
    "all demand missing": (
        "t.csv",
        (HEADER + "2021-01-03,a,\n2021-01-10,a,\n").encode(),
        "column 'sold' is empty",
    ),
    "a folder without a table": ("notes.txt", b"x", r"expected a table .*It holds notes\.txt"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_its_name_and_what_is_wrong(case: str, tmp_path: Path) -> None:
    name, content, message = BAD[case]
    with pytest.raises(DataError, match=message):
        prepared(tmp_path / "t", {name: content})


def test_a_bomb_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restock.data.tables.unpack.MOST_FREE", 2**20)
    content = gzip.compress(b"0" * 2**26)
    with pytest.raises(DataError, match=r"t\.csv\.gz: [\d,]+ bytes unpack to more than"):
        prepared(tmp_path / "t", {"t.csv.gz": content})


def test_rows_keep_their_line_across_blank_lines_and_quoted_ones(tmp_path: Path) -> None:
    text = 'day,article,sold\n2021-01-03,"a\nb",1\n\n2021-01-10,"a\nb",x\n'
    with pytest.raises(DataError, match="row 6, column 'sold' holds 'x'"):
        prepared(tmp_path, {"t.csv": text})


def test_many_columns_and_a_long_key_are_no_trouble(tmp_path: Path) -> None:
    rows = long(("k" * 10_000,), 20)
    more = pd.DataFrame({f"c{number}": 0 for number in range(10_000)}, index=rows.index)
    panel, _ = prepared(tmp_path, pd.concat([rows, more], axis=1))
    assert panel.demand.sum() == rows["sold"].sum()


@settings(max_examples=40, deadline=None)
@given(
    order=st.permutations(range(24)),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    ends=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([0, 1]),
    comma=st.booleans(),
)
def test_no_order_of_rows_and_no_way_of_writing_changes_a_panel(  # noqa: PLR0917
    tmp_path_factory: pytest.TempPathFactory,
    order: list[int],
    separator: str,
    encoding: str,
    ends: str,
    quoting: int,
    comma: bool,
) -> None:
    rows = long(("Käse", "Brot"), 12).assign(price=lambda table: 1 + table["sold"] / 8)
    written = rows.iloc[list(order)].astype({"price": str})
    if comma:
        written["price"] = written["price"].str.replace(".", ",", regex=False)
    text = written.to_csv(index=False, sep=separator, lineterminator=ends, quoting=quoting)
    panel, _ = prepared(
        tmp_path_factory.mktemp("way"),
        {"t.csv": text.encode(encoding)},
        columns={"observed": ["price"]},
    )
    expected = rows.sort_values(["article", "day"])
    np.testing.assert_array_equal(panel.demand.ravel(), expected["sold"])
    np.testing.assert_array_equal(panel.observed["price"].ravel(), expected["price"])


@pytest.mark.parametrize("lines", [(100,), (9,), (9, 19)])
def test_a_quote_left_open_does_not_swallow_rows(tmp_path: Path, lines: tuple[int, ...]) -> None:
    text = long().assign(note="ok").to_csv(index=False).splitlines()
    for line in lines:
        text[line] = text[line][:-2] + '"5 inch'
    with pytest.raises(DataError, match=r"t\.csv: row \d+: a double quote is left open"):
        prepared(tmp_path, {"t.csv": "\n".join(text)})


@pytest.mark.parametrize("num_columns", [3, 5])
def test_many_keys_in_several_columns_are_not_mixed_up(num_columns: int) -> None:
    shuffled = np.random.default_rng(0)
    parts = [
        pd.Series([f"{column}-{key}" for key in shuffled.permutation(20_000)], dtype="str")
        for column in range(num_columns)
    ]
    parts[1][7] = None
    found = joined(parts, "/")
    expected = ["/".join(row) for row in zip(*(part.fillna("") for part in parts), strict=True)]
    assert found.isna().sum() == 1
    assert found.drop(index=7).astype(object).tolist() == [*expected[:7], *expected[8:]]


@pytest.mark.parametrize("end", ["+01:00", "+0100", "+01"])
@pytest.mark.parametrize("pattern", [None, "%Y-%m-%d %H:%M:%S%z"])
def test_an_offset_means_the_same_however_it_is_written(
    tmp_path: Path, end: str, pattern: str | None
) -> None:
    if pattern and end == "+01":
        pytest.skip("strptime knows no offset without minutes")
    rows = long(("a",), 20, "D")
    written = rows.assign(day=rows["day"].dt.strftime("%Y-%m-%d 22:00:00") + end)
    column: dict[str, Any] = {"column": "day", "format": pattern}
    shown, _ = prepared(tmp_path, written, columns={"timestamp": column}, frequency="D")
    assert str(shown.timestamps[0].date()) == "2021-01-03"
    column["timezone"] = "Asia/Tokyo"
    there, _ = prepared(tmp_path, written, columns={"timestamp": column}, frequency="D")
    assert str(there.timestamps[0].date()) == "2021-01-04"


def test_an_offset_in_json_is_that_of_a_csv(tmp_path: Path) -> None:
    rows = long(("a",), 20, "D")
    written = rows.assign(day=rows["day"].dt.strftime("%Y-%m-%dT23:30:00-05:00"))
    lines = written.to_json(orient="records", lines=True)
    panel, _ = prepared(tmp_path, {"t.jsonl": lines}, frequency="D")
    assert str(panel.timestamps[0].date()) == "2021-01-03"


def test_times_with_and_without_an_offset_are_not_mixed(tmp_path: Path) -> None:
    rows = long(("a",), 20, "D")
    written = rows.assign(day=rows["day"].dt.strftime("%Y-%m-%dT10:00:00Z"))
    written.loc[5, "day"] = "2021-01-08T10:00:00"
    with pytest.raises(DataError, match="row 7, column 'day' holds '2021-01-08T10:00:00'"):
        prepared(tmp_path, written, frequency="D")


def test_numbers_that_came_as_numbers_are_not_read_again(tmp_path: Path) -> None:
    rows = long().assign(price=1.125)
    book = rows.astype({"price": object})
    book.loc[3, "price"] = "2,5"
    panel, _ = prepared(
        tmp_path / "book", {"t.xlsx": _workbook(book)}, columns={"observed": ["price"]}
    )
    assert panel.observed["price"][0, :4].tolist() == [1.125, 1.125, 1.125, 2.5]
    text = long(("c",)).assign(price="1,5").to_csv(index=False, sep=";")
    files = {"1.parquet": _parquet(rows), "2.csv": text}
    panel, _ = prepared(tmp_path / "two", files, columns={"observed": ["price"]})
    assert panel.observed["price"][:, 0].tolist() == [1.125, 1.125, 1.5]


def test_names_say_nothing_of_the_decimal_mark(tmp_path: Path) -> None:
    rows = long().assign(promo="now 1,99", weight="3.125")
    columns = {"known_future": ["promo"], "observed": ["weight"]}
    panel, _ = prepared(tmp_path, rows, columns=columns)
    assert (panel.observed["weight"] == 3.125).all()


@pytest.mark.parametrize("first", ["3,150", "2.500"])
def test_two_marks_that_are_both_open_are_refused_in_any_order(tmp_path: Path, first: str) -> None:
    rows = long().assign(price="2.500")
    rows.loc[1:, "price"] = "3,150" if first == "2.500" else "2.500"
    rows.loc[0, "price"] = first
    with pytest.raises(DataError, match=r"is it \d+ or .*data\.source\.thousands"):
        prepared(tmp_path, rows, columns={"observed": ["price"]})


def test_static_numbers_are_read_like_all_others(tmp_path: Path) -> None:
    rows = long().assign(pack="1.250", price="1,50", kind="yes")
    text = rows.to_csv(index=False, sep=";")
    columns = {"static": ["pack", "kind"], "observed": ["price"]}
    panel, _ = prepared(tmp_path, {"t.csv": text}, columns=columns)
    assert panel.static["pack"].tolist() == [1250, 1250]
    assert panel.static["kind"].tolist() == ["yes", "yes"]


def test_a_static_column_that_varies_is_said(tmp_path: Path) -> None:
    rows = long().assign(group="x")
    rows.loc[30:, "group"] = "y"
    _, said = prepared(tmp_path, rows, columns={"static": ["group"]})
    assert said == [
        "column 'group': 1 series, such as 'a', have more than one value; the first is taken"
    ]


def test_a_year_first_with_two_digits_is_not_taken_for_a_day(tmp_path: Path) -> None:
    rows = long(num_steps=36, freq="MS", start="2021-01-01")
    written = rows.assign(day=rows["day"].dt.strftime("%y-%m-%d"))
    with pytest.raises(DataError, match=r"'21-01-01': is it written as .* or as .*%y"):
        prepared(tmp_path, written, frequency="MS", aggregation="sum")


@pytest.mark.parametrize("cell", ["2021-02", "2021"])
def test_a_month_or_a_year_among_days_is_no_day(tmp_path: Path, cell: str) -> None:
    rows = long(("a",), 40, "D").astype({"day": str})
    rows.loc[9, "day"] = cell
    with pytest.raises(DataError, match=f"row 11, column 'day' holds '{cell}', expected a date"):
        prepared(tmp_path, rows, frequency="D", aggregation="sum")


def test_totals_beside_the_months_of_a_wide_table_are_no_months(tmp_path: Path) -> None:
    rows = long(("a",), 24, "MS", start="2021-01-01")
    wide = rows.assign(day=rows["day"].dt.strftime("%Y-%m"))
    wide = wide.pivot(index="article", columns="day", values="sold").reset_index()
    wide["2021"] = wide["2022"] = 1000
    panel, said = prepared(tmp_path, wide, columns={"wide": True}, frequency="MS")
    assert panel.demand[0].tolist() == rows["sold"].tolist()
    assert said == ["sales.csv: columns not read: 2021, 2022"]


def test_unknown_demand_of_a_row_is_not_zero(tmp_path: Path) -> None:
    rows = long().astype({"sold": object})
    rows.loc[3, "sold"], rows.loc[4, "sold"] = None, -2
    rows = rows.drop(index=5)
    panel, _ = prepared(tmp_path, rows, missing="zero", negative="keep_missing")
    assert np.isnan(panel.demand[0, 3:5]).all()
    assert panel.demand[0, 5] == 0


def test_a_day_with_a_row_is_not_closed(tmp_path: Path) -> None:
    rows = long(("a",), 70, "D").astype({"sold": object})
    rows.loc[rows["day"].dt.day_of_week == 6, "sold"] = None
    panel, said = prepared(tmp_path, rows, frequency="D")
    assert (panel.closed, said) == ((), [])


def test_rows_of_the_same_time_have_no_last(tmp_path: Path) -> None:
    rows = pd.concat([long(), long().assign(sold=1)])
    with pytest.raises(DataError, match="so that none is the last"):
        prepared(tmp_path, rows, aggregation="last")


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2\.csv is the same file as 1\.csv"):
        prepared(tmp_path, {"1.csv": long(), "2.csv": long()}, aggregation="sum")


def test_a_folder_that_contradicts_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"its folder says article=x, but its column 'article'"):
        prepared(tmp_path, {"article=x/1.csv": long()})


def test_two_columns_of_one_name_in_a_workbook_are_refused(tmp_path: Path) -> None:
    rows = long()
    twice = pd.concat([rows, rows[["sold"]]], axis=1)
    with pytest.raises(DataError, match="two columns are called 'sold'"):
        prepared(tmp_path, {"t.xlsx": _workbook(twice)})


@pytest.mark.parametrize("key", [" ", "\u00a0"])
def test_a_blank_key_is_none(tmp_path: Path, key: str) -> None:
    rows = long()
    rows.loc[4, "article"] = key
    with pytest.raises(DataError, match=r"row 6, column .article. holds .*, expected a key"):
        prepared(tmp_path, rows)


def test_keys_of_many_digits_beside_an_empty_one_are_not_rounded(tmp_path: Path) -> None:
    rows = long(("1", "2"))
    rows["article"] = rows["article"].astype("int64") + 1234567890123456000
    rows["article"] = rows["article"].astype("Int64")
    rows.loc[3, "article"] = None
    content = io.BytesIO()
    rows.to_parquet(content, index=False)
    files = {"t.parquet": content.getvalue()}
    panel, _ = prepared(tmp_path, files, validation={"key": "reject"})
    assert panel.series_id.tolist() == ["1234567890123456001", "1234567890123456002"]


def test_keys_that_differ_by_zeros_or_case_alone_are_said(tmp_path: Path) -> None:
    _, said = prepared(tmp_path, long(("00123", "123", "Ab")))
    assert said == [
        "column 'article': '00123' and '123' differ by case or leading zeros alone, and are taken "
        "as two keys (1 such keys)"
    ]
    panel, _ = prepared(tmp_path, long(("Mu\u0308ller", "M\u00fcller"), 20), aggregation="sum")
    assert panel.series_id.tolist() == ["M\u00fcller"]


def test_types_of_parquet_are_numbers(tmp_path: Path) -> None:
    rows = long().assign(promo=lambda table: table["sold"] > 20)
    table = pa.Table.from_pandas(rows, preserve_index=False)
    decimals = table["sold"].cast(pa.decimal128(22, 0))
    flags = pa.array([None, *rows["promo"][1:].tolist()])
    table = table.set_column(2, "sold", decimals).set_column(3, "promo", flags)
    content = io.BytesIO()
    pq.write_table(table, content)
    files = {"t.parquet": content.getvalue()}
    panel, _ = prepared(tmp_path, files, columns={"known_future": ["promo"]})
    assert panel.demand.ravel().tolist() == rows["sold"].tolist()
    assert np.isnan(panel.known_future["promo"][0, 0])
    nested = table.set_column(2, "sold", pa.array([[1]] * len(rows)))
    content = io.BytesIO()
    pq.write_table(nested, content)
    with pytest.raises(DataError, match="'sold' holds objects or lists"):
        prepared(tmp_path, {"t.parquet": content.getvalue()})


def test_a_period_far_from_all_others_is_none(tmp_path: Path) -> None:
    rows = long().assign(day=np.tile(np.arange(60), 2))
    rows.loc[5, "day"] = 10**9
    column = {"column": "day", "start": "2021-01-03"}
    with pytest.raises(DataError, match=r"row 7, column .day..*expected an integer period"):
        prepared(tmp_path, rows, columns={"timestamp": column})


def test_two_equal_marks_are_refused() -> None:
    with pytest.raises(ValueError, match="decimal and thousands are both ','"):
        TableForm.model_validate({"decimal": ",", "thousands": ","})
