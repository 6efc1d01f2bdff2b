"""A bundle that `evaluate` has scored, ready to be judged."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pandas as pd

from restock.champions.losses import Losses
from restock.champions.verdict import Candidate
from restock.data.files import read_json
from restock.data.store import load_panel
from restock.evaluation.backtest import run_backtest, segments
from restock.evaluation.losses import loss_table
from restock.evaluation.selection import check_scored, folds_with_demand
from restock.forecasters.bundle import Bundle, load_bundle
from restock.forecasters.names import LSTM
from restock.settings.tree import Settings
from restock.types import layout
from restock.types.folds import Folds
from restock.types.layout import Layout
from restock.types.panel import DemandPanel


@dataclass(frozen=True)
class Challenge:
    """A bundle that was scored, beside the data it was scored on."""

    bundle: Bundle
    report: dict[str, Any]
    losses: pd.DataFrame
    panel: DemandPanel
    folds: Folds

    @classmethod
    def read(cls, settings: Settings, files: Layout) -> Challenge:
        """Read what `evaluate` left.

        Raises:
            IntegrityError: If the report scored another bundle, or a file is not what it was.
        """
        bundle = load_bundle(files.read(layout.BUNDLE))
        report = read_json(files.read(layout.METRICS))
        check_scored(report, bundle.manifest.digest)
        panel = load_panel(files.read(layout.PANEL))
        folds = folds_with_demand(panel, settings.evaluation)
        return cls(bundle, report, pd.read_parquet(files.read(layout.LOSSES)), panel, folds)

    @property
    def digest(self) -> str:
        """Name of the bundle."""
        return self.bundle.manifest.digest

    @property
    def scores(self) -> dict[str, float]:
        """Its scores on the test folds, those that are known."""
        scores = self.report["models"][LSTM]
        return {name: value for name, value in scores.items() if value is not None}

    def candidate(self, settings: Settings, name: str, bundle: Bundle) -> Candidate:
        """Score a bundle on these test folds, and measure what it needs."""
        started = time.perf_counter()
        test = run_backtest(
            lambda origins: bundle.predict(self.panel, origins),
            self.panel,
            self.folds.test,
            settings.evaluation.seasonal_period,
        )
        took = (time.perf_counter() - started) / len(self.folds.test.origins)
        table = loss_table(name, test, self.panel, settings.inventory)
        manifest = bundle.manifest
        return Candidate(
            manifest.digest,
            Losses.from_table(table, name),
            1000 * took / self.panel.num_series,
            sum(path.stat().st_size for path in bundle.folder.rglob("*") if path.is_file()),
            {
                "frequency": manifest.frequency,
                "horizon": manifest.horizon,
                "levels": manifest.levels,
                "columns": manifest.roles,
            },
        )

    def baselines(self) -> list[Losses]:
        """Return the losses of every baseline that stands in the report."""
        names = [name for name in self.report["models"] if name != LSTM]
        return [Losses.from_table(self.losses, name) for name in names]

    def segments(self) -> dict[str, Any]:
        """Return a label per series of the losses, by kind of segment."""
        every = segments(self.panel, self.folds.test.train_end)
        own = Losses.from_table(self.losses, LSTM).series_id
        place = pd.Index(self.panel.series_id).get_indexer(pd.Index(own))
        return {kind: labels[place] for kind, labels in every.items()}
