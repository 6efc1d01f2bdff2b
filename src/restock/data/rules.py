"""Cleaning rules for raw rows. Each rule drops rows for one reason, and counts them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from restock.data.raw import RawTable, coded, uncoded
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


def _cancelled(
    raw: RawTable, rule: CancellationSettings
) -> tuple[pd.Series, pd.Series, dict[str, Any]]:
    """Find cancelling rows, and the earlier sales that they cancel.

    A cancellation matches a sale if the ``match`` columns are equal and the quantities are
    opposite. The n-th cancellation of a key is paired with its n-th sale, in the order of rows.
    """
    table, quantity = raw.rows, raw.numbers(rule.quantity)
    cancelling = _starting(raw.require(rule.column), re.escape(rule.prefix))
    same = {column: coded(raw.require(column))[0] for column in rule.match}
    key = pd.DataFrame(same, table.index).assign(quantity=quantity.abs(), cancelling=cancelling)
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
