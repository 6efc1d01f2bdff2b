"""`restock validate`: the report alone, as text and JSON, with an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from restock.commands import validate
from restock.commands.arguments import Arguments
from restock.commands.views import ValidateView
from restock.errors import ConfigError, DataError, RejectedError, RestockError
from restock.settings.base import replace_at
from restock.settings.tree import Settings
from restock.types import layout
from support.builders import settings, table
from support.quiet import QuietConsole
from support.stages import context


def chosen(folder: Path, **data: object) -> Settings:
    rows = table(3, 80).astype({"sales": object})
    rows.loc[4, "sales"] = "many"
    rows.to_csv(folder / "own.csv", index=False)
    return settings(data={"source": {"kind": "file", "path": str(folder / "own.csv")}, **data})


@pytest.mark.parametrize(
    ("policy", "error", "exit_code"),
    [("fail", DataError, 2), ("reject", RejectedError, 3), ("flag", None, 0)],
)
def test_the_exit_code_follows_the_policy_and_only_the_report_is_written(
    tmp_path: Path, policy: str, error: type[RestockError] | None, exit_code: int
) -> None:
    console = QuietConsole()
    own = chosen(tmp_path, validation={"number": policy})
    around = context(own, tmp_path, console=console).narrowed(ValidateView)
    if error is None:
        validate.run(around, Arguments())
    else:
        with pytest.raises(error) as refused:
            validate.run(around, Arguments())
        assert refused.value.exit_code == exit_code
    assert [path.name for path in (tmp_path / "out").iterdir()] == [layout.VALIDATION]
    report = json.loads((tmp_path / "out" / layout.VALIDATION).read_text())
    assert report["usable"] == (policy != "fail")
    assert report["counts"] == {"number": 1}
    finding = report["findings"][0]
    assert (finding["where"], finding["column"]) == ("own.csv: row 6", "sales")
    assert "holds 'many', expected a number" in finding["says"]


def test_a_table_that_cannot_be_read_is_reported_too(tmp_path: Path) -> None:
    own = chosen(tmp_path)
    (tmp_path / "own.csv").write_text("")
    with pytest.raises(DataError, match="the file is empty"):
        validate.run(context(own, tmp_path).narrowed(ValidateView), Arguments())
    report = json.loads((tmp_path / "out" / layout.VALIDATION).read_text())
    assert report["error"] == "own.csv: the file is empty."


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table(2, 80).assign(sales=0), "demand is 0 in every period"),
        (table(2, 1), "needs 8 periods of history"),
    ],
)
def test_what_a_later_step_would_refuse_is_refused(
    tmp_path: Path, rows: pd.DataFrame, message: str
) -> None:
    own = chosen(tmp_path)
    rows.to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(DataError, match=message):
        validate.run(context(own, tmp_path).narrowed(ValidateView), Arguments())


def test_the_price_and_the_stock_table_are_checked(tmp_path: Path) -> None:
    own = chosen(tmp_path, validation={"number": "flag"})
    stock = tmp_path / "stock.csv"
    stock.write_text("series_id;on_hand;on_order;backorders\nstore 0/item 0;1.250,5;few;0\n")
    values = {"inventory.stock_path": str(stock)}
    around = context(replace_at(own, values), tmp_path).narrowed(ValidateView)
    with pytest.raises(DataError, match=r"stock_path: stock\.csv: row 2, column 'on_order'"):
        validate.run(around, Arguments())
    around = context(replace_at(own, {"inventory.unit_value": "prize"}), tmp_path)
    with pytest.raises(ConfigError, match=r"unit_value: no .* column .prize."):
        validate.run(around.narrowed(ValidateView), Arguments())
