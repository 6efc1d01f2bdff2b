"""New trainings for later test origins, with all that was decided before the test.

A long test asks more of one training than daily work does, where models are trained again. These
refits measure what that gives. What is promoted is still the one bundle of the first training.
"""

from __future__ import annotations

from restock.data.files import replacing, write_json
from restock.training.bundle import FittedBundle, fit_on
from restock.training.report import Report
from restock.types import layout
from restock.types.folds import Folds
from restock.types.layout import Layout
from restock.types.panel import DemandPanel


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
    """Train again at every n-th test origin, with the same settings, steps and choice, and save.

    Args:
        fitted: The training up to the first origin.
        bundle: Digest of its bundle, which the refits belong to.
        panel: The whole panel. A refit reads nothing after its own origin.
        folds: The folds; their test has the origins.
        every: Origins between two trainings; 0: none.
        files: Where the refits are saved, by the number of the origin from which on they forecast.
        report: Is told the progress.
    """
    numbers = list(range(every, len(folds.test.origins), every)) if every else []
    with replacing(files.write(layout.REFITS)) as aside:
        aside.mkdir()
        for number in numbers:
            again = fit_on(
                fitted.recipe, panel, folds.test.origins[number], fitted.rehearsed,
                horizon=folds.horizon, cut=folds.cut, report=report,
            )  # fmt: skip
            again.save(aside / str(number))
        write_json(aside / layout.REFITS_INDEX, {"bundle": bundle, "origins": numbers})
