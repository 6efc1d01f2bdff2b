"""The page of a promotion: the decision, what it stands on, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from restock.champions.comparison import Comparison
from restock.champions.verdict import Candidate, Check, Verdict
from restock.pages.shell import Items, Page, Section
from restock.pages.tables import Cell, Span, Table, number, table, text

PAGE = "promotion.html"
MEANINGS = {
    "wql": "weighted quantile loss, share of demand",
    "bias": "sum of errors, share of demand",
    "coverage_80": "share of demand inside the 80 % interval",
    "inventory_cost": "expected cost per unit of demand",
    "latency": "milliseconds to forecast one series",
    "size": "of the bundle, in MB",
}


def promotion_page(verdict: Verdict, title: str, candidates: Mapping[str, Candidate]) -> Page:
    """Return the page of a decision.

    Args:
        verdict: The decision.
        title: Of the page.
        candidates: The challenger and the champion, by what a person calls them.
    """
    return Page(
        f"{title}: {'promoted' if verdict.promote else 'not promoted'}",
        (),
        (
            Section("Why", (Items(verdict.reasons),)),
            Section("Gates", (_gates(verdict.checks),), "All must be passed."),
            Section("Challenger and champion", (_scores(candidates),), "Scores on the test folds."),
            *_savings(verdict),
        ),
    )


def _gates(checks: Iterable[Check]) -> Table:
    rows = tuple((text(c.name), _outcome(c.passed), text(c.said)) for c in checks)
    return Table("Gates of the promotion", ("gate", "outcome", "what was found"), rows)


def _outcome(passed: bool) -> Cell:
    return Cell("✓ passed", "1", tone="good") if passed else Cell("✗ refused", "0", tone="bad")


def _scores(candidates: Mapping[str, Candidate]) -> Table:
    rows = [{"candidate": name, **c.scores()} for name, c in candidates.items()]
    return table(pd.DataFrame(rows), "Challenger and champion", meanings=MEANINGS)


def _savings(verdict: Verdict) -> Iterator[Section]:
    if verdict.comparisons:
        yield Section(
            "Loss saved",
            (_compared("Against each rival", ((c.rival, c) for c in verdict.comparisons)),),
            "The share of each rival's loss that the challenger saves on the test folds. The bar "
            "is its 90 % interval over resampled series and origins: right of the line, the "
            "challenger is better.",
        )
    for kind, labels in verdict.segments.items():
        rivals = sorted({found.rival for found in labels.values()})
        rows = _compared(f"By {kind}", labels.items())
        yield Section(f"Loss saved by {kind}", (rows,), f"Against {', '.join(rivals)}.")


def _compared(caption: str, found: Iterable[tuple[str, Comparison]]) -> Table:
    rows = tuple(
        (
            text(name),
            number(c.saving, "{:.1%}"),
            Cell(
                f"{c.low:.1%} to {c.high:.1%}",
                c.low,
                Span(c.low, c.high, c.saving),
                "good" if c.low > 0 else "bad" if c.high < 0 else "",
            ),
            number(c.won, "{:.0%}"),
        )
        for name, c in found
    )
    meanings = {"won": "share of resamples in which the challenger lost less"}
    return Table(caption, ("against", "saved", "90 % interval", "won"), rows, meanings)
