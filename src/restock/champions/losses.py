"""One model's losses on the test folds, by series and origin, and the scores from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from restock.errors import IntegrityError
from restock.types.panel import FloatArray

MATRICES = ("origin", "demand", "loss", "error", "points", "inside_80", "cost", "cost_demand")


@dataclass(frozen=True)
class Losses:
    """A model's losses for each series at each origin; see :func:`evaluation.losses.loss_table`.

    Attributes:
        name: Name of the model.
        series_id: Names of the series. Shape ``(N,)``.
        origin: Forecast origins, in seconds since 1970; 0 where none was scored. ``(N, O)``.
        demand, loss, error, points, inside_80, cost, cost_demand: Sums over the steps that were
            scored; 0 where none was. Shape ``(N, O)``.
    """

    name: str
    series_id: np.ndarray
    origin: FloatArray
    demand: FloatArray
    loss: FloatArray
    error: FloatArray
    points: FloatArray
    inside_80: FloatArray
    cost: FloatArray
    cost_demand: FloatArray

    @classmethod
    def from_table(cls, table: pd.DataFrame, name: str) -> Losses:
        """Make it from one model's rows of a table."""
        rows = table[table["model"] == name]
        seconds = rows["forecast_origin"].astype("datetime64[s]").astype("int64")
        wide = rows.assign(origin=seconds).pivot_table(
            index="series_id", columns="fold", values=[*MATRICES], aggfunc="sum", fill_value=0.0
        )
        matrices = {column: wide[column].to_numpy(dtype=float) for column in MATRICES}
        return cls(name, wide.index.to_numpy(dtype=object), **matrices)

    def select(self, rows: np.ndarray) -> Losses:
        """Return the losses of some series."""
        picked = {name: getattr(self, name)[rows] for name in MATRICES}
        return replace(self, series_id=self.series_id[rows], **picked)

    def check_same_folds(self, other: Losses) -> None:
        """Refuse to compare losses of other series or other origins.

        Raises:
            IntegrityError: If they differ.
        """
        same = np.array_equal(self.series_id, other.series_id)
        same = same and np.array_equal(self.origin, other.origin)
        if not same or not np.allclose(self.demand, other.demand):
            raise IntegrityError(
                f"{self.name} and {other.name} were not scored on the same test folds: "
                f"{self.loss.shape} and {other.loss.shape} series and origins, or other demand. "
                "Run `restock evaluate` again."
            )

    def scores(self) -> dict[str, float]:
        """Return scores over all series and origins; NaN if nothing could be scored."""
        return {
            "wql": _ratio(self.loss, self.demand),
            "bias": _ratio(self.error, self.demand),
            "coverage_80": _ratio(self.inside_80, self.points),
            "inventory_cost": _ratio(self.cost, self.cost_demand),
        }


def _ratio(part: FloatArray, whole: FloatArray) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else float("nan")
