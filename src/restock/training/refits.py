"""New trainings for later test origins, with all that was decided before the test.

A long test asks more of one training than daily work does, where models are trained again. These
refits measure what that gives. What is promoted is still the one bundle of the first training.
"""

from __future__ import annotations

from collections.abc import Iterator

from restock.data.files import replacing, write_json
from restock.training.bundle import FittedBundle, fit_on
from restock.training.report import Report
from restock.types import layout
from restock.types.folds import Folds
from restock.types.layout import Layout
from restock.types.panel import DemandPanel


def refits(
    fitted: FittedBundle, panel: DemandPanel, folds: Folds, every: int, report: Report
) -> Iterator[tuple[int, FittedBundle]]:
    """Train again at every n-th test origin: the same settings, steps and choice, more history.

    Args:
        fitted: The training up to the first origin.
        panel: The whole panel. A refit reads nothing after its own origin.
        folds: The folds; their test has the origins.
        every: Origins between two trainings; 0: none.
        report: Is told the progress.

    Yields:
        The number of the origin from which on it forecasts, and the training.
    """
    for number in range(every, len(folds.test.origins), every) if every else ():
        again = fit_on(
            fitted.recipe, panel, folds.test.origins[number], fitted.rehearsed,
            horizon=folds.horizon, cut=folds.cut, report=report,
        )  # fmt: skip
        yield number, again


def write_refits(
    fitted: FittedBundle,
    bundle: str,
    panel: DemandPanel,
    folds: Folds,
    *,
    every: int,
    files: Layout,
    report: Report,
) -> None:
    """Save all refits, and the digest of the bundle that they belong to."""
    with replacing(files.write(layout.REFITS)) as aside:
        aside.mkdir()
        numbers = []
        for number, again in refits(fitted, panel, folds, every, report):
            again.save(aside / str(number))
            numbers.append(number)
        write_json(aside / layout.REFITS_INDEX, {"bundle": bundle, "origins": numbers})
