"""Static columns as a network reads them: codes of categories, and standardised numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from restock.features.columns import Named
from restock.features.names import static_name
from restock.features.scaling import standardise
from restock.settings.features import FeatureSettings
from restock.types.features import FeatureState
from restock.types.panel import DemandPanel, IntArray

FITTED_SERIES = 4_096  # of a larger panel, evenly picked, are enough to learn moments from


def fitted_rows(panel: DemandPanel) -> IntArray:
    """Return the series that constants are learned from."""
    if panel.num_series <= FITTED_SERIES:
        return np.arange(panel.num_series)
    return np.linspace(0, panel.num_series - 1, FITTED_SERIES).astype(int)


def trained_static(
    panel: DemandPanel, settings: FeatureSettings, train_end: IntArray
) -> pd.DataFrame:
    """Return the static columns of the series in training, but those that are left out."""
    static = panel.static[train_end >= 0] if len(panel.static) else panel.static
    return static[[c for c in static.columns if static_name(c) not in settings.leave_out]]


def fit_static(
    static: pd.DataFrame, settings: FeatureSettings
) -> tuple[dict[str, tuple[str, ...]], dict[str, float], dict[str, float]]:
    """Keep frequent categories of text columns and moments of numeric ones."""
    vocabularies: dict[str, tuple[str, ...]] = {}
    mean, std = {}, {}
    for name in static.columns:
        column = static[name]
        if column.dtype.kind in "biuf":
            values = column.to_numpy(dtype=float)
            values = values[np.isfinite(values)]
            mean[name] = float(values.mean()) if values.size else 0.0
            std[name] = float(values.std()) if values.size else 0.0
            continue
        counts = column.dropna().astype(str).value_counts()
        counts = counts[counts >= settings.min_category_count]
        # By count, then by name, so that ties do not depend on the order of the rows.
        ordered = sorted(counts.items(), key=lambda item: (-int(item[1]), str(item[0])))
        vocabularies[name] = tuple(str(key) for key, _ in ordered[: settings.max_categories])
    return vocabularies, mean, std


def static_columns(
    panel: DemandPanel, state: FeatureState, rows: IntArray
) -> tuple[dict[str, IntArray], Named]:
    """Return the static columns of some series: category codes, and standardised numbers."""
    static = panel.static.iloc[rows] if len(panel.static) else panel.static
    numbers = {
        name: standardise(static[name].to_numpy(dtype=float), mean, state.static_std[name])
        for name, mean in state.static_mean.items()
    }
    return category_codes(static, state.vocabularies), numbers


def category_codes(
    static: pd.DataFrame, vocabularies: Mapping[str, tuple[str, ...]]
) -> dict[str, IntArray]:
    """Return the codes of each text column, from 1 on; 0 is unknown or rare. Each ``(N,)``."""
    codes = {}
    for name, vocabulary in vocabularies.items():
        code = {category: number for number, category in enumerate(vocabulary, start=1)}
        codes[name] = np.array([code.get(value, 0) for value in static[name].astype(str)])
    return codes
