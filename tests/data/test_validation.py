"""Every rule finds what it is for, all at once; its policy says what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from restock.data.clean import make_panel
from restock.data.raw import RawTable
from restock.data.rows import read_rows
from restock.data.series_rules import jumps
from restock.errors import DataError
from restock.settings.panel import PanelSettings
from restock.types.panel import DemandPanel

COLUMNS = {"timestamp": "day", "series": ["article"], "demand": "sold", "observed": ["price"]}


def table(num_series: int = 4, num_steps: int = 60, rate: float = 20) -> pd.DataFrame:
    days = pd.date_range("2021-01-03", periods=num_steps, freq="W-SUN").strftime("%Y-%m-%d")
    sold = np.random.default_rng(1).poisson(rate, num_series * num_steps)
    return pd.DataFrame(
        {
            "article": np.repeat([f"a{number}" for number in range(num_series)], num_steps),
            "day": np.tile(days, num_series),
            "sold": sold.astype(str),
            "price": "2.5",
        }
    )


def wrong() -> pd.DataFrame:
    """A table with one thing wrong by each rule of rows."""
    rows = table()
    rows.loc[3, "sold"] = "many"
    rows.loc[9, "price"] = "inf"
    rows.loc[70, "price"] = "2.5.1"
    rows.loc[11, "day"] = "2021-02-30"
    rows.loc[64, "article"] = None
    rows.loc[125, "day"] = "2201-05-01"
    rows.loc[130, "day"] = rows.loc[129, "day"]
    return rows


def prepared(
    folder: Path, files: pd.DataFrame | dict[str, pd.DataFrame], **changes: Any
) -> tuple[DemandPanel, dict[str, Any], RawTable]:
    for name, rows in (files if isinstance(files, dict) else {"t.csv": files}).items():
        rows.to_csv(folder / name, index=False)
    own = {"columns": COLUMNS, "frequency": "W-SUN", **changes}
    settings = PanelSettings.model_validate(own)
    raw = read_rows(folder, settings)
    panel, report = make_panel(raw, settings)
    return panel, report, raw


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        prepared(tmp_path, wrong())
    lines = str(refused.value).splitlines()
    assert lines == [
        "t.csv: row 5, column 'sold' holds 'many', expected a number.",
        "t.csv: row 11, column 'price' holds 'inf', expected a number (1 more like it). Numbers of "
        "this table are read with the decimal mark '.'; set data.source.decimal or "
        "data.source.thousands if they are written otherwise.",
        "t.csv: row 66, column 'article' is empty, expected a key.",
        "t.csv: row 13, column 'day' holds '2021-02-30', expected a date (ISO8601).",
        "t.csv: row 127, column 'day' holds '2201-05-01', expected a date near the others: it is "
        "9350 periods away from them, as with a mistyped year.",
        "t.csv: row 132: series 'a2' has two rows for the period of 2021-03-07 (1 such rows). Say "
        "how to combine them: data.aggregation=sum, mean, last or max.",
        "data.validation.number: reject puts such rows aside, flag takes the cells as missing.",
        "data.validation.date: reject puts such rows aside.",
        "data.validation.key: reject puts such rows aside.",
        "data.validation.far_date: reject puts such rows aside, flag keeps them.",
        "data.validation.duplicate: reject keeps the first row of each and puts the others aside.",
    ]


def test_rows_that_are_put_aside_are_kept_with_their_rule_and_no_other(tmp_path: Path) -> None:
    every = dict.fromkeys(("number", "date", "key", "far_date", "duplicate"), "reject")
    rows = wrong()
    panel, report, raw = prepared(tmp_path, rows, validation=every)
    aside = raw.findings.quarantine
    assert aside["row"].tolist() == [5, 11, 13, 66, 72, 127, 132]
    assert aside["rule"].tolist() == [
        *("number", "number", "date", "key", "number", "far_date", "duplicate")
    ]
    assert set(aside["file"]) == {"t.csv"}
    assert aside["sold"].tolist() == rows.loc[aside["row"] - 2, "sold"].tolist()
    assert report["validation"] == {
        "number": 3, "key": 1, "date": 1, "far_date": 1, "duplicate": 1,
    }  # fmt: skip
    kept = rows.drop(index=aside["row"] - 2)
    assert np.nansum(panel.demand) == kept["sold"].astype(float).sum()
    assert report["rows_kept"] == len(kept)
    assert sum("put aside; the first: t.csv: row" in said for said in report["said"]) == 5


def test_flagged_numbers_are_missing_and_counted(tmp_path: Path) -> None:
    rows = table()
    rows.loc[3, "sold"] = "many"
    panel, report, raw = prepared(tmp_path, rows, validation={"number": "flag"})
    assert np.isnan(panel.demand[0, 3])
    assert np.isfinite(panel.demand).sum() == panel.demand.size - 1
    assert report["validation"] == {"number": 1}
    assert raw.findings.quarantine.empty
    assert report["said"][0].startswith("number: 1 flagged; the first: t.csv: row 5")


def test_a_rule_looks_only_at_rows_that_the_cleaning_keeps(tmp_path: Path) -> None:
    rows = table()
    rows.loc[len(rows)] = ["POSTAGE", "2021-01-03", "none", "x"]
    rules = {"keep_matching": {"article": r"a\d"}}
    panel, report, _ = prepared(tmp_path, rows, rules=rules)
    assert panel.num_series == 4
    assert report["validation"] == {}


@pytest.mark.parametrize("factor", [10, 100, 1000, 0.1, 0.01])
def test_a_change_of_unit_in_a_series_is_found(tmp_path: Path, factor: float) -> None:
    rows = table(5, 80, rate=400)
    second = (rows["article"] == "a1") & (rows["day"] >= "2021-10-01")
    rows["sold"] = np.where(second, rows["sold"].astype(float) * factor, rows["sold"].astype(float))
    _, report, _ = prepared(tmp_path, rows)
    assert report["validation"] == {"unit_jump": 1}
    assert report["said"][0].startswith(
        "unit_jump: 1 flagged; the first: series 'a1': demand jumps"
    )
    with pytest.raises(DataError, match=r"series 'a1'.*factor of about"):
        prepared(tmp_path, rows, validation={"unit_jump": "fail"})


@pytest.mark.parametrize("factor", [10, 1000])
def test_a_file_in_another_unit_is_found_once(tmp_path: Path, factor: int) -> None:
    rows = table(6, 100)
    late = rows["day"] >= "2022-01-01"
    other = rows[late].assign(sold=rows["sold"][late].astype(float) * factor)
    _, report, _ = prepared(tmp_path, {"2021.csv": rows[~late], "2022.csv": other})
    assert report["validation"] == {"unit_jump": 6}
    assert "2022.csv: demand is about " in report["said"][0]
    assert "times that in 2021.csv, in the median of 6 series" in report["said"][0]


def seasonal(generator: np.random.Generator) -> np.ndarray:
    week = np.arange(156)
    return generator.poisson(30 * np.exp(1.2 * np.sin(2 * np.pi * week / 52)), (40, 156))


def growing(generator: np.random.Generator) -> np.ndarray:
    return generator.poisson(5 * np.exp(np.linspace(0, 3.2, 156)), (40, 156))


def rare(generator: np.random.Generator) -> np.ndarray:
    return generator.poisson(0.4, (40, 156)) * generator.integers(1, 30, (40, 156))


def before_christmas(generator: np.random.Generator) -> np.ndarray:
    week = np.arange(156) % 52
    return generator.poisson(np.where(week > 43, 200, 10), (40, 156))


@pytest.mark.parametrize("kind", [seasonal, growing, rare, before_christmas])
def test_a_season_growth_and_rare_sales_are_no_change_of_unit(kind: Any) -> None:
    at, _ = jumps(kind(np.random.default_rng(0)).astype(float))
    assert (at < 0).all()


def test_where_a_unit_changed_is_found_within_a_block() -> None:
    demand = np.random.default_rng(0).poisson(50, (1, 104)).astype(float)
    demand[:, 60:] *= 1000
    at, factor = jumps(demand)
    assert abs(at[0] - 60) <= 8
    assert factor[0] == pytest.approx(1000, rel=0.2)


def test_a_row_that_is_put_aside_does_not_make_the_next_a_duplicate(tmp_path: Path) -> None:
    rows = table(1)
    bad = rows.iloc[[5]].assign(sold="oops")
    both = pd.concat([rows[:5], bad, rows[5:]], ignore_index=True)
    policies = {"number": "reject", "duplicate": "reject"}
    panel, report, raw = prepared(tmp_path, both, validation=policies)
    assert raw.findings.quarantine["row"].tolist() == [7]
    assert panel.demand[0].tolist() == rows["sold"].astype(float).tolist()
    assert report["validation"] == {"number": 1}


def test_a_column_may_be_called_as_those_of_the_quarantine(tmp_path: Path) -> None:
    rows = table().rename(columns={"article": "file"})
    rows.loc[2, "sold"] = "x"
    columns = {**COLUMNS, "series": ["file"]}
    _, _, raw = prepared(tmp_path, rows, columns=columns, validation={"number": "reject"})
    assert list(raw.findings.quarantine.columns)[:3] == ["file", "row", "rule"]
