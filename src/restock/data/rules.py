"""Cleaning rules for raw rows. Each rule drops rows for one reason, and counts them."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from restock.data.columns import numbers, require
from restock.errors import ConfigError
from restock.settings.panel import CancellationSettings, RuleSettings

Counts = dict[str, int]


def apply_rules(
    table: pd.DataFrame, rules: RuleSettings, *, decimal: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Apply the configured rules in their order.

    Returns:
        The rows that stay, and a report: rows before, rows dropped by each rule, rows after.
    """
    report: dict[str, Any] = {"rows_read": len(table)}
    dropped: Counts = {}

    def keep(rule: str, table: pd.DataFrame, mask: pd.Series) -> pd.DataFrame:
        dropped[rule] = int((~mask).sum())
        return table[mask]

    if rules.drop_duplicate_rows:
        columns = [name for name in table.columns if name != "__file__"]
        table = keep("duplicate rows", table, ~table.duplicated(subset=columns))
    for column in rules.uppercase:
        require(table, column)
        table = table.assign(**{column: table[column].astype("string").str.upper()})
    for column, pattern in rules.keep_matching.items():
        require(table, column)
        table = keep(f"{column} does not match {pattern}", table, _matches(table[column], pattern))
    if rules.cancellations is not None:
        cancelled, matched, report["cancellations"] = _cancelled(
            table, rules.cancellations, decimal
        )
        table = keep("cancellations", table, ~cancelled)
        if rules.cancellations.net:
            table = keep("sales cancelled later", table, ~matched[~cancelled])
    for column in rules.keep_positive:
        mask = numbers(table, column, decimal=decimal) > 0
        table = keep(f"{column} <= 0 or missing", table, mask)
    report["dropped"] = dropped
    report["rows_kept"] = len(table)
    return table, report


def _matches(values: pd.Series, pattern: str) -> pd.Series:
    try:
        return values.astype(str).str.match(pattern)
    except re.error as error:
        raise ConfigError(
            f"data.rules.keep_matching: {pattern!r} is not a valid regular expression ({error})"
        ) from None


def _cancelled(
    table: pd.DataFrame, rule: CancellationSettings, decimal: str
) -> tuple[pd.Series, pd.Series, dict[str, Any]]:
    """Find cancelling rows, and the earlier sales that they cancel.

    A cancellation matches a sale if the ``match`` columns are equal and the quantities are
    opposite. The n-th cancellation of a key is paired with its n-th sale, in the order of rows.
    """
    for column in (rule.column, *rule.match):
        require(table, column)
    quantity = numbers(table, rule.quantity, decimal=decimal)
    cancelling = table[rule.column].astype(str).str.startswith(rule.prefix)
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
