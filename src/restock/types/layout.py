"""Names of each step's files in the output folder. dvc.yaml uses the same names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths of one pipeline's files.

    Attributes:
        root: Folder that a step reads its inputs from.
        target: Folder that a step writes to. Only jobs of a multirun have another one than
            ``root``.
    """

    root: Path
    target: Path

    @classmethod
    def at(cls, root: Path) -> Layout:
        """Read and write in one folder."""
        return cls(root, root)

    def read(self, name: str) -> Path:
        """Return the path of a step's input."""
        return self.root / name

    def write(self, name: str) -> Path:
        """Return the path of a step's output."""
        return self.target / name


RAW = "raw"
PANEL = "panel"
PREPARE_REPORT = "prepare.json"
QUARANTINE = "quarantine.csv"
VALIDATION = "validation.json"
FEATURES = "features"
TUNING = "tuning.json"
TUNING_TRIALS = "tuning_trials.csv"
BUNDLE = "bundle"
TRAIN_METRICS = "train.json"
TRAINING_CURVE = "training_curve.csv"
REFITS, REFITS_INDEX = "refits", "refits.json"  # the second lies in the first
TRAINED = (BUNDLE, TRAIN_METRICS, TRAINING_CURVE)  # what a whole training writes
METRICS = "metrics.json"
LEADERBOARD = "leaderboard.csv"
BACKTEST = "backtest_forecasts.parquet"
LOSSES = "losses.parquet"
REPORT = "report"
STEP_SCORES = "scores_by_step.csv"
SEGMENT_SCORES = "scores_by_segment.csv"
CALIBRATION = "calibration.csv"
LOST_SALES = "lost_sales.csv"
IMPORTANCE = "importance.csv"
SELECTION = "selection.csv"
EXPLANATIONS = "explanations"
FORECAST = "forecast.parquet"
FORECAST_TOTALS = "forecast_totals.csv"
FORECAST_INFO = "forecast.json"
PLAN = "plan.csv"
PLAN_METRICS = "plan.json"
VERDICT = "verdict.json"
PROMOTION = "promotion"
