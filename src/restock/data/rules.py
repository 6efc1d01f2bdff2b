"""Cleaning rules for raw rows. Each rule drops rows for one reason, and counts them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from restock.data.raw import RawTable, coded, uncoded
from restock.errors import ConfigError
from restock.settings.panel import CancellationSettings, RuleSettings
from restock.types.panel import IntArray

Counts = dict[str, int]


def apply_rules(
    raw: RawTable, rules: RuleSettings, check: Callable[[RawTable], RawTable]
) -> tuple[RawTable, dict[str, Any]]:
    """Apply the configured rules in their order.

    Args:
        raw: The rows.
        rules: The rules.
        check: Checks the rows once the rules that read text alone have dropped what is none of
            ours: numbers are read after it.

    Returns:
        The rows that stay, and a report: rows before, rows dropped by each rule, rows after.
    """
    report: dict[str, Any] = {"rows_read": len(raw)}
    dropped: Counts = {}

    def keep(rule: str, raw: RawTable, mask: pd.Series) -> RawTable:
        dropped[rule] = int((~mask).sum())
        return raw.with_rows(raw.rows[mask])

    if rules.drop_duplicate_rows:
        alike = pd.Series(_alike([raw.rows[name] for name in raw.columns]), raw.rows.index)
        raw = keep("duplicate rows", raw, ~alike.duplicated())
    for column in rules.uppercase:
        codes, texts = coded(raw.require(column))
        upper = np.array([str(text).upper() for text in texts], dtype=object)
        raw = raw.with_rows(raw.rows.assign(**{column: uncoded(codes, upper, raw.rows.index)}))
    for column, pattern in rules.keep_matching.items():
        mask = _starting(raw.require(column), pattern)
        raw = keep(f"{column} does not match {pattern}", raw, mask)
    raw = check(raw)
    if rules.cancellations is not None:
        cancelled, matched, report["cancellations"] = _cancelled(raw, rules.cancellations)
        raw = keep("cancellations", raw, ~cancelled)
        if rules.cancellations.net:
            raw = keep("sales cancelled later", raw, ~matched[~cancelled])
    for column in rules.keep_positive:
        raw = keep(f"{column} <= 0 or missing", raw, raw.numbers(column) > 0)
    report["dropped"] = dropped
    report["rows_kept"] = len(raw)
    return raw, report


def _starting(values: pd.Series, pattern: str) -> pd.Series:
    """Return which cells start with what a regular expression says; an empty one never does."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"data.rules.keep_matching: {pattern!r} is not a valid regular expression ({error})"
        ) from None
    codes, texts = coded(values)
    fits = [expression.match(str(text)) is not None for text in texts]
    return pd.Series(np.array([*fits, False])[codes], index=values.index)


def _alike(columns: Sequence[pd.Series]) -> IntArray:
    """Return a number for each row; rows that are equal in all columns have the same one."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes, texts = coded(column)
        number = np.asarray(pd.factorize(number * (len(texts) + 1) + codes + 1)[0])
    return number


def _cancelled(
    raw: RawTable, rule: CancellationSettings
) -> tuple[pd.Series, pd.Series, dict[str, Any]]:
    """Find cancelling rows, and the earlier sales that they cancel.

    A cancellation matches a sale if the ``match`` columns are equal and the quantities are
    opposite. The n-th cancellation of a key is paired with its n-th sale, in the order of rows.
    """
    table, quantity = raw.rows, raw.numbers(rule.quantity)
    cancelling = _starting(raw.require(rule.column), re.escape(rule.prefix))
    alike = _alike([*(raw.require(column) for column in rule.match), quantity.abs()])
    cancelled = np.zeros(alike.max(initial=-1) + 1, dtype=bool)
    cancelled[alike[cancelling]] = True
    of_both = np.flatnonzero(cancelled[alike] & (cancelling | (quantity > 0)))
    rows = pd.DataFrame(
        {
            "key": alike[of_both],
            "cancelling": cancelling.to_numpy()[of_both],
            "quantity": quantity.abs().to_numpy()[of_both],
            "row": of_both,
        }
    )
    rows["turn"] = rows.groupby(["key", "cancelling"]).cumcount()
    sales, cancels = rows[~rows["cancelling"]], rows[rows["cancelling"]]
    pairs = sales.merge(cancels[["key", "turn", "row"]], on=["key", "turn"], suffixes=("", "_by"))
    pairs = pairs[pairs["row"] < pairs["row_by"]]
    matched = pd.Series(False, index=table.index)
    matched.iloc[pairs["row"].to_numpy()] = True
    report = {
        "lines": int(cancelling.sum()),
        "matched_sales": len(pairs),
        "matched_units": float(pairs["quantity"].sum()),
        "netted": rule.net,
    }
    return cancelling, matched, report
