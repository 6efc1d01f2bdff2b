"""Rules about whole series, checked on the finished panel: a change of unit, a missing future."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from restock.data.findings import SHOWN, Finding
from restock.data.raw import FILE, RawTable
from restock.types.panel import BoolArray, DemandPanel, FloatArray, IntArray

FACTORS = (1.0, 2.0, 3.0)  # logarithms of 10, 100 and 1000
NEAR = 0.12  # of such a logarithm: a factor between 0.76 and 1.32
BLOCK = 8  # periods whose median is the level of a series
STEADY = 0.15  # of the levels on either side, as a logarithm


def check_series(panel: DemandPanel, rows: pd.DataFrame, raw: RawTable) -> None:
    """Find what whole series, or whole files, do that a right table would not.

    Args:
        panel: The finished panel.
        rows: Its rows by role, with ``series_id``, ``period``, ``demand`` and ``_order``.
        raw: The table that they are from, which keeps what is found.
    """
    if not _file_jumps(rows, raw):
        _unit_jumps(panel, raw)
    _without_future(panel, raw)


def _unit_jumps(panel: DemandPanel, raw: RawTable) -> None:
    at, factor = jumps(panel.demand)
    found = np.flatnonzero(at >= 0)
    if not len(found):
        return
    first = int(found[0])
    when = panel.timestamps[at[first]].date()
    says = (
        f"series {panel.series_id[first]!r}: demand jumps by a factor of about {factor[first]:.3g} "
        f"near {when} and stays there, as with another unit ({len(found)} such series)"
    )
    _add(raw, "unit_jump", panel, found, says)


def jumps(demand: FloatArray) -> tuple[IntArray, FloatArray]:
    """Find series whose level changes once, by about 10, 100 or 1000.

    The level is the median of the positive demand of some periods. It must be steady before and
    after, so that neither a season nor a product that is rarely sold is one.

    Args:
        demand: Demand; NaN where unknown. Shape ``(N, T)``.

    Returns:
        The position from which on the level is another one, -1 where there is none; and the
        factor. Each ``(N,)``.
    """
    levels = _levels(demand)
    num_series, num_blocks = levels.shape
    at, factor = np.full(num_series, -1), np.ones(num_series)
    skipped = demand.shape[1] - num_blocks * BLOCK
    for block in range(2, num_blocks - 1):
        step = levels[:, block] - levels[:, block - 1]
        for row in np.flatnonzero(_is_factor(step) & (at < 0)):
            before, after = _known(levels[row, :block]), _known(levels[row, block:])
            if min(len(before), len(after)) < 2:
                continue
            change = float(np.median(after) - np.median(before))
            steady = max(np.ptp(before), np.ptp(after)) < 2 * STEADY
            if _is_factor(np.array([change]))[0] and steady:
                at[row], factor[row] = skipped + block * BLOCK, 10**change
    return at, factor


def _levels(demand: FloatArray) -> FloatArray:
    """Return logarithms of the median positive demand of blocks; NaN where few are. ``(N, B)``."""
    num_blocks = demand.shape[1] // BLOCK
    last = demand[:, demand.shape[1] - num_blocks * BLOCK :]
    blocks = last.reshape(len(demand), num_blocks, BLOCK)
    blocks = np.sort(np.where(blocks > 0, blocks, np.nan), axis=2)  # NaN comes last
    count = np.isfinite(blocks).sum(axis=2)
    middle = np.maximum(count - 1, 0) // 2
    median = np.take_along_axis(blocks, middle[:, :, None], axis=2)[:, :, 0]
    return np.log10(np.where(2 * count >= BLOCK, median, np.nan))


def _known(values: FloatArray) -> FloatArray:
    return values[np.isfinite(values)]


def _is_factor(change: FloatArray) -> BoolArray:
    near = [np.abs(np.abs(change) - factor) < NEAR for factor in FACTORS]
    return np.logical_or.reduce(near)


def _file_jumps(rows: pd.DataFrame, raw: RawTable) -> bool:
    """Find files in which the demand of the same series is 10, 100 or 1000 times another one."""
    files = raw.rows[FILE]
    if not isinstance(files.dtype, pd.CategoricalDtype) or len(files.cat.categories) < 2:
        return False
    table = pd.DataFrame(
        {
            "series_id": rows["series_id"],
            "period": rows["period"],
            "demand": np.log10(rows["demand"].where(rows["demand"] > 0)),
            "file": files.cat.codes.to_numpy()[rows["_order"].to_numpy()],
        }
    )
    order = table.groupby("file")["period"].median().sort_values().index
    level = table.groupby(["series_id", "file"], observed=True)["demand"].median().unstack()
    found = False
    for before, after in pairwise(order):
        change = (level[after] - level[before]).dropna().to_numpy()
        typical = float(np.median(change)) if len(change) else 0.0
        alike = len(change) > 0 and np.mean(np.abs(change - typical) < 2 * STEADY) > 0.5
        if alike and _is_factor(np.array([typical]))[0]:
            names = [files.cat.categories[file] for file in (before, after)]
            says = (
                f"{names[1]}: demand is about {10**typical:.3g} times that in {names[0]}, in the "
                f"median of {len(change)} series, as with another unit"
            )
            raw.findings.found.append(Finding("unit_jump", names[1], "", len(change), says))
            found = True
    return found


def _without_future(panel: DemandPanel, raw: RawTable) -> None:
    """Find series that were sold to the end, and have no rows after it where others have.

    A series that ended before is taken for discontinued.
    """
    ahead = [values[:, panel.num_steps :] for values in panel.known_future.values()]
    if not ahead or not panel.num_future:
        return
    goes_on = np.any([np.isfinite(values).any(axis=1) for values in ahead], axis=0)
    living = np.flatnonzero(~goes_on & (panel.demand[:, -1] > 0))
    if len(living):
        says = (
            f"{len(living)} of {panel.num_series} series, such as "
            f"{panel.series_id[living[0]]!r}, were sold in the last period and have no rows after "
            f"it: the last known values of {', '.join(panel.known_future)} are repeated for them"
        )
        _add(raw, "living_without_future", panel, living, says)


def _add(raw: RawTable, rule: str, panel: DemandPanel, series: IntArray, says: str) -> None:
    names = tuple(str(name) for name in panel.series_id[series[:SHOWN]])
    found = Finding(rule, f"series {names[0]!r}", "", len(series), says, names)
    raw.findings.found.append(found)
