"""A scored bundle, ready to be judged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from restock.champions.losses import Losses
from restock.champions.verdict import Candidate
from restock.champions.view import PromotionView
from restock.evaluation.backtest import run_backtest, segments
from restock.evaluation.losses import loss_table
from restock.evaluation.scored import Scored
from restock.forecasters.bundle import Bundle
from restock.forecasters.names import LSTM, MIX


def baseline_names(report: Mapping[str, Any]) -> list[str]:
    """Return the models of a report that the bundle is compared with: not its own parts."""
    own = {report["chosen"], LSTM, MIX}
    return [name for name in report["models"] if name not in own]


@dataclass(frozen=True)
class Challenge:
    """A scored bundle, and the settings by which it is judged.

    Attributes:
        scored: The bundle, with the results of stage evaluate.
        settings: Settings of the test, of the costs and of the gates.
    """

    scored: Scored
    settings: PromotionView

    @property
    def digest(self) -> str:
        """Digest of the bundle."""
        return self.scored.bundle.manifest.digest

    @property
    def name(self) -> str:
        """What the bundle's forecast is called in the report."""
        return str(self.scored.report["chosen"])

    def candidate(self, name: str, bundle: Bundle) -> Candidate:
        """Score a bundle on these test folds, and measure its latency and size."""
        panel, fold = self.scored.panel, self.scored.folds.test
        started = time.perf_counter()
        test = run_backtest(
            lambda origins: bundle.predict(panel, origins),
            panel,
            fold,
            self.settings.evaluation.seasonal_period,
        )
        took = (time.perf_counter() - started) / len(fold.origins)
        table = loss_table(name, test, panel, self.settings.inventory)
        manifest = bundle.manifest
        return Candidate(
            manifest.digest,
            Losses.from_table(table, name),
            1000 * took / panel.num_series,
            sum(path.stat().st_size for path in bundle.folder.rglob("*") if path.is_file()),
            {
                "frequency": manifest.frequency,
                "horizon": manifest.horizon,
                "levels": manifest.levels,
                "columns": manifest.roles,
            },
        )

    def baselines(self) -> list[Losses]:
        """Return the losses of every baseline in the report."""
        names = baseline_names(self.scored.report)
        return [Losses.from_table(self.scored.losses, name) for name in names]

    def segments(self) -> dict[str, np.ndarray]:
        """Return the segment of each series of the losses, by kind of segment."""
        panel = self.scored.panel
        every = segments(panel, self.scored.folds.test.train_end)
        own = Losses.from_table(self.scored.losses, self.name).series_id
        place = pd.Index(panel.series_id).get_indexer(pd.Index(own))
        return {kind: labels[place] for kind, labels in every.items()}
