"""How the forecast was chosen: the folds, drawn, and what stood for choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from restock.pages.looks import Look
from restock.pages.plots import Band, Panel, Plot
from restock.pages.shell import Section
from restock.pages.tables import Table, table
from restock.types.folds import Fold, Folds
from restock.types.panel import DemandPanel

TRAINED = Look("#78818c")
LOOKS = {
    "tune": ("forecast to choose", Look("#1f78d1")), "test": ("forecast to judge", Look("#d9680b"))
}  # fmt: skip
OPACITY = 0.8
HALF = 0.35  # of a bar's height
PERIODS_SHOWN = 120  # before the end; what lies before them is only trained on


def choice_sections(
    report: Mapping[str, Any], panel: DemandPanel, folds: Folds
) -> Iterator[Section]:
    """Yield the folds, and the candidates if there was a choice.

    Args:
        report: What metrics.json says.
        panel: The history that the folds cut.
        folds: The tuning folds and the test.
    """
    yield Section(
        "Folds",
        (folds_plot(panel, folds),),
        "Tuning folds choose, the test judges. Each bar is one origin of a fold: what its models "
        "were trained on, and the periods that they forecast there. Nothing that is trained or "
        "chosen reads a period of the test.",
    )
    if report["candidates"]:
        yield Section(
            "What was chosen from",
            (_candidates(report["candidates"], report["chosen_by"]),),
            f"{report['why']}. The mix forecasts, unless something simpler has a lower loss with a "
            "probability of 90 %. Weights were learned on other series, or on other folds, than "
            "those that score them.",
        )


def folds_plot(panel: DemandPanel, folds: Folds) -> Plot:
    """Return a bar for every origin of every fold, for the series with the longest history."""
    rows = [
        (f"tune {at}.{number}", fold, number - 1)
        for at, fold in enumerate(folds.tuning, 1)
        for number in range(1, len(fold.origins) + 1)
    ]
    rows += [(f"test {place + 1}", folds.test, place) for place in range(len(folds.test.origins))]
    series = int(folds.test.train_end.argmax())
    first = max(panel.num_steps - PERIODS_SHOWN, 0)
    bands, numbers = [], []
    for row, (name, fold, place) in enumerate(reversed(rows), 1):
        end, origin, last = _places(fold, place, series, folds.horizon)
        said, look = LOOKS[fold.role]
        bands.append(_bar("trained on", row, range(max(end + 1 - first, 0)), TRAINED))
        # From the origin itself, so that a single period has a width, too.
        ahead = range(max(origin - first, 0), max(last + 1 - first, 0))
        bands.append(_bar(said, row, ahead, look))
        dates = [str(panel.timestamps[at].date()) for at in (end, origin, last)]
        numbers.append([name, *dates, last - origin])
    columns = ["fold and origin", "trained up to", "forecast from", "scored up to", "steps scored"]
    labels = [str(stamp.date()) for stamp in panel.timestamps[first : panel.num_steps]]
    return Plot(
        "The folds, newest below",
        "period",
        "origins of the folds",
        (Panel("", labels, (), tuple(bands)),),
        table(pd.DataFrame(numbers[::-1], columns=columns), "The folds"),
    )


def _places(fold: Fold, place: int, series: int, horizon: int) -> tuple[int, int, int]:
    """Return training end, origin and last scored period of a series at one origin."""
    origin = int(fold.origins[place, series])
    last = min(origin + horizon, int(fold.target_end[series]))
    return int(fold.train_end[series]), origin, last


def _bar(name: str, row: int, periods: range, look: Look) -> Band:
    """Return a bar over some of the labels."""
    length = len(periods)
    low, high = np.full(length, row - HALF), np.full(length, row + HALF)
    return Band(name, low, high, look, periods.start, OPACITY)


def _candidates(candidates: Sequence[Mapping[str, Any]], by: str) -> Table:
    loss = f"{by} on the tuning folds"
    rows = [
        {
            "candidate": found["name"],
            loss: float(found["loss"]),
            "better than the mix": float(found["better"]),
            "weights": ", ".join(f"{n} {w:.0%}" for n, w in found["weights"].items()),
        }
        for found in candidates
    ]
    meanings = {"better than the mix": "probability, at another origin"}
    frame = pd.DataFrame(rows)
    return table(
        frame, "Candidates, lowest loss first", shown="{:.4f}",
        bars=(loss,), meanings=meanings,
    )  # fmt: skip
