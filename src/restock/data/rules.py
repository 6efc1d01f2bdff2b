"""Cleaning rules for raw rows. Each rule drops rows for one reason, and counts them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from restock.data.raw import RawTable
from restock.errors import ConfigError
from restock.settings.panel import CancellationSettings, RuleSettings

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
        raw = keep("duplicate rows", raw, ~raw.rows.duplicated(subset=raw.columns))
    for column in rules.uppercase:
        upper = raw.require(column).astype("str").str.upper()
        raw = raw.with_rows(raw.rows.assign(**{column: upper}))
    for column, pattern in rules.keep_matching.items():
        mask = _matches(raw.require(column), pattern)
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


def _matches(values: pd.Series, pattern: str) -> pd.Series:
    try:
        return values.astype(str).str.match(pattern)
    except re.error as error:
        raise ConfigError(
            f"data.rules.keep_matching: {pattern!r} is not a valid regular expression ({error})"
        ) from None


def _cancelled(
    raw: RawTable, rule: CancellationSettings
) -> tuple[pd.Series, pd.Series, dict[str, Any]]:
    """Find cancelling rows, and the earlier sales that they cancel.

    A cancellation matches a sale if the ``match`` columns are equal and the quantities are
    opposite. The n-th cancellation of a key is paired with its n-th sale, in the order of rows.
    """
    for column in (rule.column, *rule.match):
        raw.require(column)
    table, quantity = raw.rows, raw.numbers(rule.quantity)
    cancelling = table[rule.column].astype("str").str.startswith(rule.prefix).fillna(False)
    key = table[list(rule.match)].assign(quantity=quantity.abs(), cancelling=cancelling)
    key["turn"] = key.groupby([*rule.match, "quantity", "cancelling"], dropna=False).cumcount()
    key["row"] = range(len(key))
    sales, cancels = key[~cancelling & (quantity > 0)], key[cancelling]
    on = [*rule.match, "quantity", "turn"]
    pairs = sales.merge(cancels[[*on, "row"]], on=on, suffixes=("", "_cancel"))
    pairs = pairs[pairs["row"] < pairs["row_cancel"]]
    matched = pd.Series(False, index=table.index)
    matched.iloc[pairs["row"].to_numpy()] = True
    report = {
        "lines": int(cancelling.sum()),
        "matched_sales": len(pairs),
        "matched_units": float(pairs["quantity"].sum()),
        "netted": rule.net,
    }
    return cancelling, matched, report
