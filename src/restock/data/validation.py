"""Check the rows of a table by all rules at once, before anything is made from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from restock.data.categories import given, is_text
from restock.data.frequency import Frequency
from restock.data.raw import FILE, RawTable
from restock.data.roles import number_columns, series_keys, timestamps
from restock.settings.panel import PanelSettings
from restock.types.panel import BoolArray, IntArray

FEW = 3  # so few periods, far from the rest, are a mistake


def validated(raw: RawTable, settings: PanelSettings, frequency: Frequency) -> RawTable:
    """Return the rows that keep all rules, or that a policy lets pass.

    Args:
        raw: The rows, after the rules that read text alone.
        settings: Which column has which role, and the policy of each rule.
        frequency: Frequency of the grid.

    Raises:
        DataError: If a rule with the policy ``fail`` finds anything. The message lists all.
    """
    checked = replace(raw, masks={})
    masks = checked.masks
    assert masks is not None
    columns = settings.columns
    for name in number_columns(settings):
        if name not in columns.known_future or not _is_text(raw, name, columns.known_future):
            checked.numbers(name)
    series = series_keys(checked, columns.series)
    stamps = timestamps(checked, columns.timestamp, frequency)
    policies = policies_of(settings)
    good = np.ones(len(raw), dtype=bool)
    for rule, mask in masks.items():
        if rule == "date" or policies[rule] == "reject":
            good &= ~mask
    if good.any():
        periods = frequency.ordinals(stamps[good].reset_index(drop=True))
        time = columns.timestamp.columns[0]
        _check_near(checked, periods, good, time)
        if settings.aggregation == "none":
            _check_once(checked, series.array[good], periods, good, settings)
    raw.findings.settle(policies)
    rejected = {rule: mask for rule, mask in masks.items() if policies[rule] == "reject"}
    flagged = {rule for rule in masks if policies[rule] == "flag"}
    raw = replace(raw, tolerated=frozenset(flagged))
    return _without(raw, rejected) if rejected else raw


def policies_of(settings: PanelSettings) -> dict[str, str]:
    """Return the policy of each rule."""
    chosen = settings.validation
    return {rule: getattr(chosen, rule) for rule in type(chosen).model_fields}


def _is_text(raw: RawTable, name: str, siblings: tuple[str, ...]) -> bool:
    return given(raw, name, siblings) is not None or is_text(raw, name)


def _check_near(raw: RawTable, periods: IntArray, good: BoolArray, column: str) -> None:
    """Find a few periods far from all others: a mistyped year makes a grid of decades."""
    found, counts = np.unique(periods, return_counts=True)
    if len(found) < 2 * FEW + 2:
        return
    gaps = np.diff(found)
    for left in (True, False):
        edge = gaps[:FEW] if left else gaps[-FEW:]
        rest = found[FEW:] if left else found[:-FEW]
        at = int(edge.argmax()) if left else len(gaps) - FEW + int(edge.argmax())
        far = found[: at + 1] if left else found[at + 1 :]
        few = counts[np.isin(found, far)].sum() <= max(0.01 * len(periods), FEW)
        if gaps[at] > max(rest[-1] - rest[0], FEW) and few:
            mask = np.zeros(len(raw), dtype=bool)
            mask[good] = np.isin(periods, far)
            expected = (
                f"a date near the others: it is {gaps[at]} periods away from them, as with a "
                "mistyped year"
            )
            raw.refuse("far_date", column, mask, expected)


def _check_once(
    raw: RawTable,
    series: pd.api.extensions.ExtensionArray,
    periods: IntArray,
    good: BoolArray,
    settings: PanelSettings,
) -> None:
    """Find rows for a series and period that has one already."""
    cells = pd.DataFrame({"series_id": series, "period": periods})
    again = cells.duplicated(keep="first").to_numpy()
    if not again.any():
        return
    mask = np.zeros(len(raw), dtype=bool)
    mask[good] = again
    first = int(np.flatnonzero(mask)[0])
    at = int(np.flatnonzero(again)[0])
    time = settings.columns.timestamp
    when = " ".join(str(raw.rows[name].iloc[first]) for name in time.columns)
    says = (
        f"{raw.where(first)}: series {cells['series_id'].iloc[at]!r} has two rows for the period "
        f"of {when} ({int(again.sum())} such rows). Say how to combine them: data.aggregation=sum, "
        "mean, last or max."
    )
    raw.note("duplicate", time.name, mask, says)


def _without(raw: RawTable, masks: dict[str, BoolArray]) -> RawTable:
    """Put the rows that broke a rule aside."""
    rejected = np.logical_or.reduce(list(masks.values()))
    rules = [
        ", ".join(rule for rule, mask in masks.items() if mask[row])
        for row in np.flatnonzero(rejected)
    ]
    rows = raw.rows[rejected]
    found = {"file": rows[FILE].astype("str").to_numpy(), "row": rows.index, "rule": rules}
    cells = rows.drop(columns=FILE).reset_index(drop=True)
    raw.findings.quarantine = pd.concat([pd.DataFrame(found), cells], axis=1)
    return raw.with_rows(raw.rows[~rejected])
