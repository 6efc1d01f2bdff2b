"""Stage train: fit the network on all periods before the test, and save the bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restock.training.job import train
from restock.training.report import told

if TYPE_CHECKING:
    from restock.tracking.context import Context
    from restock.training.view import TrainingView


def run(context: Context[TrainingView]) -> None:
    """Write the bundle and its training metrics."""
    with told(context.console, context.tracker) as report:
        train(context.settings, context.files, context.tracker, report, context.console.note)
