"""The page of a promotion: the decision, what it stands on, and how sure it is."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import pandas as pd
from matplotlib import pyplot as plt

from restock.champions.comparison import Comparison
from restock.champions.verdict import Candidate, Verdict
from restock.pages.figures import ACCENT, QUIET, STYLE, save_figure

WRONG = "#c0392b"
PICTURE = "savings.png"
PAGE = "promotion.html"


def write_promotion(
    folder: Path,
    verdict: Verdict,
    title: str,
    candidates: Mapping[str, Candidate],
) -> None:
    """Write the page and its picture to a folder.

    Args:
        folder: Where to; it exists.
        verdict: The decision.
        title: Of the page.
        candidates: The challenger and the champion, by what a person calls them.
    """
    if verdict.comparisons:
        _savings(folder / PICTURE, verdict.comparisons)
    decision = "promoted" if verdict.promote else "not promoted"
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>",
        f"<style>{STYLE}.no{{color:{WRONG}}}</style><h1>{html.escape(title)}: {decision}</h1>",
        "<ul>",
        *(f"<li>{html.escape(reason)}</li>" for reason in verdict.reasons),
        "</ul><h2>Gates</h2>",
        _gates(verdict),
        "<h2>Challenger and champion</h2>",
        _numbers(pd.DataFrame({name: c.scores() for name, c in candidates.items()}).T),
        "<p>wql: weighted quantile loss; bias and coverage_80: of the test folds; inventory_cost: "
        "per unit of demand; latency: ms a series; size: MB.</p>",
    ]
    if verdict.comparisons:
        parts += [
            "<h2>Loss saved, test folds</h2>",
            "<p>Share of each rival's loss that the challenger saves, with its 90 % interval over "
            "resampled series and origins.</p>",
            f"<img src='{PICTURE}' alt='share of the loss saved against each rival'>",
            _numbers(_rows((c.rival, c) for c in verdict.comparisons)),
        ]
    for kind, labels in verdict.segments.items():
        parts += [f"<h2>By {html.escape(kind)}</h2>", _numbers(_rows(labels.items()))]
    (folder / PAGE).write_text("\n".join(parts) + "\n</html>\n", encoding="utf-8")


def _rows(pairs: Iterable[tuple[str, Comparison]]) -> pd.DataFrame:
    rows = {
        name: {
            "against": found.rival,
            "saving": f"{found.saving:.1%}",
            "90 % interval": f"{found.low:.1%} to {found.high:.1%}",
            "won": f"{found.won:.0%}",
        }
        for name, found in pairs
    }
    table = pd.DataFrame(rows).T
    return table.drop(columns="against") if list(table["against"]) == list(table.index) else table


def _numbers(table: pd.DataFrame) -> str:
    return str(table.to_html(border=0, float_format="{:.4g}".format, na_rep="-"))


def _gates(verdict: Verdict) -> str:
    rows = [
        f"<tr><td>{html.escape(check.name)}</td>"
        + ("<td>passed</td>" if check.passed else "<td class='no'><b>refused</b></td>")
        + f"<td style='text-align:left'>{html.escape(check.said)}</td></tr>"
        for check in verdict.checks
    ]
    return "<table>" + "".join(rows) + "</table>"


def _savings(path: Path, comparisons: Iterable[Comparison]) -> None:
    """Draw each rival's interval; what lies right of zero is better than the rival."""
    shown = list(comparisons)[::-1]
    figure, axis = plt.subplots(figsize=(8, 0.4 * len(shown) + 1.2))
    axis.axvline(0.0, color="black", lw=0.8)
    for place, found in enumerate(shown):
        color = ACCENT if found.low > 0 else WRONG if found.high < 0 else QUIET
        axis.plot([100 * found.low, 100 * found.high], [place, place], color=color, lw=3)
        axis.plot(100 * found.saving, place, "o", color=color, ms=7)
    axis.set_yticks(range(len(shown)), [found.rival for found in shown])
    axis.set_xlabel("loss saved, % of the rival's (bar: 90 % interval)")
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)
