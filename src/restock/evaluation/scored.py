"""A bundle that was scored on the test fold, with the scores of all other models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from restock.data.files import read_json
from restock.data.store import load_panel
from restock.evaluation.selection import check_scored, folds_with_demand
from restock.forecasters.bundle import Bundle, load_bundle
from restock.settings.folds import FoldSettings
from restock.types import layout
from restock.types.folds import Folds
from restock.types.layout import Layout
from restock.types.panel import DemandPanel


@dataclass(frozen=True)
class Scored:
    """A scored bundle, with the data it was scored on.

    Attributes:
        bundle: The bundle.
        panel: The panel it was scored on.
        folds: The folds of that panel.
        report: Content of metrics.json.
        losses: Losses of every model, per series and origin; see :func:`losses.loss_table`.
    """

    bundle: Bundle
    panel: DemandPanel
    folds: Folds
    report: dict[str, Any]
    losses: pd.DataFrame

    @classmethod
    def read(cls, files: Layout, settings: FoldSettings) -> Scored:
        """Read the files that stage evaluate wrote.

        Raises:
            IntegrityError: If the report is about another bundle, or a file was changed.
        """
        bundle = load_bundle(files.read(layout.BUNDLE))
        report = read_json(files.read(layout.METRICS))
        check_scored(report, bundle.manifest.digest)
        panel = load_panel(files.read(layout.PANEL))
        folds = folds_with_demand(panel, settings)
        return cls(bundle, panel, folds, report, pd.read_parquet(files.read(layout.LOSSES)))

    @property
    def scores(self) -> dict[str, float]:
        """Its scores on the test fold, without unknown ones."""
        scores = self.report["models"][self.report["chosen"]]
        return {name: value for name, value in scores.items() if value is not None}
