"""Draw the pictures of docs/ideas.md and docs/index.md, from numbers that restock itself computes.

Each picture is a card of 390 points, so that on a telephone one point is about one pixel and no
letter is smaller than 13 pixels. The same code gives the same bytes.

    python docs/ideas_pictures.py docs/images/ideas
"""

import argparse
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from restock.champions.losses import MATRICES, Losses
from restock.champions.verdict import Candidate, judge
from restock.data.clean import make_panel
from restock.data.folds import make_folds
from restock.decisions.demand import LeadTimeDemand
from restock.decisions.plan import ReplenishmentPlan, make_plan
from restock.forecasters.likelihoods import count_quantiles
from restock.settings.folds import FoldSettings
from restock.settings.inventory import InventorySettings
from restock.settings.panel import PanelSettings
from restock.settings.promotion import PromotionSettings
from restock.types.folds import Folds
from restock.types.panel import DemandPanel

WIDTH, MARGIN = 390, 16  # all lengths are points
SMALL, LARGE = 15, 17
# Okabe and Ito's colours, which a colour-blind reader can tell apart.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#007A5A", "#8E4585"
INK, GREY, PALE = "#222222", "#5F6368", "#D9DCE0"
LEVELS = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99])
STYLE = {
    "svg.fonttype": "path",  # letters look the same on every machine
    "svg.hashsalt": "restock",
    "font.size": SMALL,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "text.color": INK,
    "hatch.linewidth": 1.5,
}


def card(height: float) -> tuple[Figure, Axes]:
    """Return a white card with round corners, and its surface, measured in points."""
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    figure.patch.set_alpha(0)
    page = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, height))
    page.set_axis_off()
    box(page, (1, 1), (WIDTH - 2, height - 2), fc="white", ec=PALE, rounding=14)
    return figure, page


def box(
    page: Axes,
    corner: tuple[float, float],
    size: tuple[float, float],
    *,
    fc: str,
    ec: str,
    rounding: float = 8,
) -> None:
    """Draw a box with round corners."""
    style = f"round,pad=0,rounding_size={rounding}"
    page.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc=fc, ec=ec, lw=1.5))


def arrow(
    page: Axes, start: tuple[float, float], end: tuple[float, float], *, color: str = GREY
) -> None:
    """Draw an arrow between two points of a card."""
    page.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=14, color=color, lw=1.8,
            shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip


def chart(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return axes at a place of a card."""
    across, up = (figure.get_figwidth() * 72, figure.get_figheight() * 72)
    axes = figure.add_axes((left / across, bottom / up, width / across, height / up))
    axes.set_facecolor("none")
    return axes


# ------------------------------------------------------------------------------------ the panel


def shop() -> DemandPanel:
    """Return the panel of a shop's table: six weeks of sales, and two that are planned."""
    sold = {"cups": "5 7 . 6 4 9", "jugs": ". . 3 2 4 3", "mugs": "12 9 11 4 10 23"}
    rows = [
        {"week": week, "item": item, "sold": number, "in_stock": (item, week) != ("mugs", 3)}
        for item, numbers in sold.items()
        for week, number in enumerate([*numbers.split(), "", ""])
        if number != "."
    ]
    table = pd.DataFrame(rows).assign(__file__="shop.csv")
    table["sold"] = pd.to_numeric(table["sold"])
    table["in_stock"] = table["in_stock"].astype(int)
    table["offer"] = ((table["item"] == "mugs") & table["week"].isin([5, 7])).astype(int)
    settings = PanelSettings.model_validate(
        {
            "columns": {
                "timestamp": {"column": "week", "start": "2026-01-04"},
                "series": ["item"],
                "demand": "sold",
                "in_stock": "in_stock",
                "known_future": ["offer"],
            },
            "frequency": "W-SUN",
        }
    )
    return make_panel(table, settings)[0]


CELL = 36


def draw_panel() -> Figure:
    """A panel as a grid: what was sold, what is unknown, what is known of the weeks to come."""
    panel = shop()
    figure, page = card(374)
    left, top, step = 70, 318, 44
    for row, name in enumerate(panel.series_id):
        y = top - row * step - CELL / 2
        page.text(MARGIN, y, str(name), va="center_baseline", weight="bold")
        for week in range(len(panel.timestamps)):
            corner = (left + week * (CELL + 2), top - row * step - CELL)
            draw_cell(page, panel, row, week, corner)
    middle = left + panel.num_steps * (CELL + 2) - 1
    page.plot([middle] * 2, [top - 3 * step + 4, top + 40], color=INK, lw=1.5, ls=(0, (4, 3)))
    page.text(middle - 8, top + 24, "six weeks", ha="right", va="center", size=LARGE)
    page.text(middle + 8, top + 24, "to come", va="center", size=LARGE)
    explain_cells(page, 146)
    return figure


def draw_cell(
    page: Axes, panel: DemandPanel, row: int, week: int, corner: tuple[float, float]
) -> None:
    """Draw one series in one week."""
    x, y = corner[0] + CELL / 2, corner[1] + CELL / 2
    demand = panel.demand[row, week] if week < panel.num_steps else np.nan
    if week >= panel.num_steps:
        square(page, corner, CELL, "to come")
    elif np.isnan(demand):
        square(page, corner, CELL, "unknown")
        page.text(x, y, "?", ha="center", va="center", color=GREY)
    else:
        square(page, corner, CELL, "known" if panel.in_stock[row, week] else "sold out")
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        number = page.text(x, y, f"{demand:.0f}", ha="center", va="center")
        number.set_bbox(None if panel.in_stock[row, week] else behind)
    if panel.known_future["offer"][row, week] == 1:
        page.plot([corner[0] + 31], [corner[1] + 31], marker="o", ms=8, color=GREEN)


def square(page: Axes, corner: tuple[float, float], size: float, kind: str) -> None:
    """Draw the square of a cell, by what is known of it."""
    if kind == "sold out":
        page.add_patch(Rectangle(corner, size, size, fc="white", ec=ORANGE, lw=2, hatch="//"))
    elif kind == "unknown":
        dashes = (0, (2, 2))
        page.add_patch(Rectangle(corner, size, size, fc="white", ec=GREY, lw=1.2, ls=dashes))
    else:
        colour = "#C6DCEF" if kind == "known" else "white"
        page.add_patch(Rectangle(corner, size, size, fc=colour, ec=PALE, lw=1.2))


def explain_cells(page: Axes, top: float) -> None:
    """Say below the grid what its cells mean."""
    said = {
        "known": "units sold in that week",
        "unknown": "no row: unknown, which is not 0",
        "sold out": "sold out: demand may have been more",
        "offer": "on offer: known ahead, too",
    }
    for place, (kind, text) in enumerate(said.items()):
        y = top - place * 36
        if kind == "offer":
            page.plot([MARGIN + 14], [y], marker="o", ms=10, color=GREEN)
        else:
            square(page, (MARGIN + 2, y - 12), 24, kind)
        page.text(MARGIN + 40, y, text, va="center_baseline")


# ------------------------------------------------------------------------------------ the folds


def layout_of_folds() -> tuple[DemandPanel, Folds]:
    """Cut 52 weeks by the default settings."""
    weeks = pd.date_range("2026-01-04", periods=52, freq="W-SUN")
    demand = np.ones((1, len(weeks)))
    names = np.array(["mugs"], dtype=object)
    panel = DemandPanel(names, weeks, demand, demand > 0, "W-SUN")
    return panel, make_folds(panel, FoldSettings())


BAR = 34


def draw_fold() -> Figure:
    """Where make_folds cuts 52 weeks: what teaches, what is read, what is forecast."""
    panel, folds = layout_of_folds()
    figure, page = card(444)
    left, width = 78, 296 / panel.num_steps
    rows = [(f"tune {number}", fold, 0) for number, fold in enumerate(folds.tuning, 1)]
    rows += [(f"test {place + 1}", folds.test, place) for place in range(len(folds.test.origins))]
    page.text(left, 418, f"{panel.num_steps} weeks", va="center", size=LARGE)
    arrow(page, (left + 96, 418), (left + 296, 418))
    for row, (name, fold, place) in enumerate(rows):
        y = 364 - row * 46 - (14 if fold.role == "test" else 0)
        end, origin = int(fold.train_end[0]) + 1, int(fold.origins[place, 0]) + 1
        colour = BLUE if fold.role == "tune" else ORANGE
        page.text(MARGIN, y + BAR / 2, name, va="center", color=colour, weight="bold")
        bar(page, (left, y), end * width, PALE)
        bar(page, (left + end * width, y), (origin - end) * width, "white", hatch="//")
        bar(page, (left + origin * width, y), folds.horizon * width, colour)
        middle = left + (origin + folds.horizon / 2) * width
        page.text(middle, y + BAR / 2, f"{folds.horizon}", color="white", ha="center", va="center")
    page.text(left + 8, 364 + BAR / 2, "trained on", va="center")
    page.text(left + 8, 364 - 2 * 46 - 14 + BAR / 2, "trained on, once", va="center")
    explain_bars(page, 100)
    return figure


def bar(
    page: Axes, corner: tuple[float, float], width: float, colour: str, hatch: str = ""
) -> None:
    """Draw a part of a history."""
    if width:
        edge = GREY if hatch else "white"
        page.add_patch(Rectangle(corner, width, BAR, fc=colour, ec=edge, lw=1, hatch=hatch))


def explain_bars(page: Axes, top: float) -> None:
    """Say below the bars what their colours mean."""
    said = {
        "forecast to choose settings": (BLUE, ""),
        "forecast to judge the result": (ORANGE, ""),
        "read as history, not trained on": ("white", "//"),
    }
    for place, (text, (colour, hatch)) in enumerate(said.items()):
        y = top - place * 34
        page.add_patch(Rectangle((MARGIN, y - 11), 34, 22, fc=colour, ec=GREY, hatch=hatch, lw=1))
        page.text(MARGIN + 46, y, text, va="center_baseline")


# --------------------------------------------------------------------------------- the forecast

MEANS = np.array([10.0, 13.0, 17.0, 14.0])  # of demand in the coming weeks
USUAL, EXCESS = 12.0, 1.8  # mean of a usual week; variance over mean, less one


def quantiles(means: np.ndarray) -> np.ndarray:
    """Return quantiles of negative binomial demand with these means. Shape ``(H, Q)``.

    All of them have one ratio of variance to mean, so that the total of independent weeks is
    negative binomial again, with that ratio.
    """
    return count_quantiles(means, EXCESS / means, 0 * means, LEVELS)


def history(length: int, seed: int) -> np.ndarray:
    """Return usual weeks of that demand."""
    return np.random.default_rng(seed).negative_binomial(USUAL / EXCESS, 1 / (1 + EXCESS), length)


def level(fan: np.ndarray, wanted: float) -> np.ndarray:
    """Return the quantiles at one level."""
    return fan[:, int(np.flatnonzero(np.isclose(LEVELS, wanted))[0])]


def draw_fan(axes: Axes, fan: np.ndarray, colour: str) -> None:
    """Draw three intervals around the median, the median, and what the levels are called."""
    weeks = np.arange(1, len(fan) + 1)
    for low, high, alpha in ((0.05, 0.95, 0.16), (0.1, 0.9, 0.2), (0.3, 0.7, 0.3)):
        edges = level(fan, low), level(fan, high)
        axes.fill_between(weeks, *edges, color=colour, alpha=alpha, lw=0)
    axes.plot(weeks, level(fan, 0.5), color=colour, lw=2.5, marker="o", ms=5)
    axes.plot(weeks, level(fan, 0.95), color=colour, lw=2, ls=(0, (5, 2)))
    axes.plot(weeks, level(fan, 0.05), color=colour, lw=2, ls=(0, (1, 1.5)))
    for name, wanted in (("95 %", 0.95), ("median", 0.5), ("5 %", 0.05)):
        axes.text(weeks[-1] + 0.25, level(fan, wanted)[-1], name, va="center", color=colour)
    axes.set_xticks(weeks)
    axes.set_xlim(-6.5, weeks[-1] + 0.1)


def draw_forecast() -> Figure:
    """A fan for each week, and one for the running total, which is what stock must cover."""
    step, total = quantiles(MEANS), quantiles(np.cumsum(MEANS))
    past = history(7, seed=4)
    figure, page = card(480)
    page.text(MARGIN, 452, "Demand of each week", size=LARGE, weight="bold", va="center")
    upper = chart(figure, 44, 276, 272, 154)
    upper.plot(np.arange(1 - len(past), 1), past, color=INK, lw=1.8, marker="o", ms=5)
    draw_fan(upper, step, BLUE)
    upper.axvline(0.5, color=GREY, lw=1.2, ls=(0, (4, 3)))
    upper.text(0.2, 33, "what was sold", ha="right", va="center")
    upper.set(ylim=(0, 36), yticks=(0, 10, 20, 30))
    page.text(MARGIN, 226, "Total of the weeks so far", size=LARGE, weight="bold", va="center")
    lower = chart(figure, 44, 50, 272, 154)
    draw_fan(lower, total, PURPLE)
    lower.set(ylim=(0, 84), yticks=(0, 25, 50, 75))
    whole, added = level(total, 0.95)[-1], level(step, 0.95).sum()
    lower.text(-6.2, 76, f"95 % of the total: {whole:.0f}", va="center", color=PURPLE)
    lower.text(-6.2, 61, f"the four 95 % added: {added:.0f},", va="center", color=BLUE)
    lower.text(-6.2, 46, "more than is needed", va="center", color=BLUE)
    page.text(274, 18, "weeks ahead", va="center", ha="center", color=GREY)
    return figure


# ----------------------------------------------------------------------------------- the bundle

# What `restock run debug=tiny` wrote once: the manifest's digests, and what each file is for.
FILES = {
    "model.keras": ("2cf05355", "the network, as it was trained"),
    "model.onnx": ("8300ca85", "the same network, to forecast"),
    "state.json": ("278cee98", "constants that features need"),
    "trees.npz": ("a0792ce1", "trees, where they are mixed in"),
}


def draw_bundle() -> Figure:
    """The files of a bundle, and the manifest that holds the digest of each."""
    figure, page = card(470)
    pill(page, (40, 412), "panel", BLUE)
    pill(page, (230, 412), "forecast", PURPLE)
    arrow(page, (100, 412), (100, 380))
    arrow(page, (290, 380), (290, 412))
    box(page, (MARGIN, 20), (WIDTH - 2 * MARGIN, 358), fc="#F6F7F9", ec=GREY)
    page.text(32, 356, "bundle/", size=LARGE, weight="bold", va="center")
    for place, (name, (digest, purpose)) in enumerate(FILES.items()):
        y = 284 - place * 56
        box(page, (28, y), (WIDTH - 56, 50), fc="white", ec=PALE)
        page.text(38, y + 35, name, weight="bold", va="center_baseline")
        page.text(352, y + 35, f"{digest}…", va="center_baseline", ha="right", color=GREEN)
        page.text(38, y + 14, purpose, va="center")
    box(page, (28, 32), (WIDTH - 56, 78), fc="white", ec=GREEN)
    page.text(38, 94, "manifest.json", weight="bold", va="center", color=GREEN)
    page.text(38, 71, "the digest of each file above;", va="center")
    page.text(38, 49, "one that differs is not loaded", va="center")
    return figure


def pill(page: Axes, corner: tuple[float, float], text: str, colour: str) -> None:
    """Draw a named thing that goes in or comes out."""
    box(page, corner, (120, 40), fc="white", ec=colour, rounding=18)
    page.text(
        corner[0] + 60, corner[1] + 20, text, ha="center", va="center", color=colour,
        size=LARGE, weight="bold",
    )  # fmt: skip


# --------------------------------------------------------------------------------- the champion

SERIES, ORIGINS, DEMAND = 200, 3, 10.0
SKILL = (0.475, 0.51, 0.452, 0.466, 0.431)  # the wql that each challenger comes to, but for luck


def losses(name: str, wql: float, seed: int) -> Losses:
    """Return losses around a wql, on one test of 200 series and three origins."""
    loss = wql * DEMAND * np.random.default_rng(seed).gamma(25, 1 / 25, (SERIES, ORIGINS))
    ones = np.ones_like(loss)
    facts = {key: ones for key in MATRICES} | {
        "demand": DEMAND * ones, "loss": loss, "error": 0 * ones, "points": 5 * ones,
        "inside_80": 4 * ones, "cost_demand": DEMAND * ones,
    }  # fmt: skip
    return Losses(name, np.arange(SERIES).astype(object), **facts)


def contest() -> tuple[list[float], list[bool], float]:
    """Let restock judge challengers in turn: return their wql, who won, and the baseline's wql."""
    baseline = losses("boosted_trees", 0.49, 99)
    champion: Candidate | None = None
    wqls, promoted = [], []
    for number, skill in enumerate(SKILL, 1):
        challenger = Candidate(f"{number}", losses(f"version {number}", skill, number), 1, 1, {})
        verdict = judge(
            challenger, champion, [baseline], segments={}, settings=PromotionSettings(), seed=0
        )
        champion = challenger if verdict.promote else champion
        wqls.append(challenger.losses.scores()["wql"])
        promoted.append(verdict.promote)
    return wqls, promoted, baseline.scores()["wql"]


def draw_champion() -> Figure:
    """Challengers on one test, in turn; the line is the champion that each had to beat."""
    wqls, promoted, baseline = contest()
    figure, page = card(410)
    page.text(MARGIN, 382, "Error on the test (wql)", size=LARGE, weight="bold", va="center")
    axes = chart(figure, 60, 62, 314, 302)
    axes.axhline(baseline, color=GREY, lw=2, ls=(0, (5, 3)))
    axes.text(5.7, baseline + 0.003, "best baseline", ha="right", color=GREY)
    draw_reigns(axes, wqls, promoted)
    version = 0
    for turn, (wql, won) in enumerate(zip(wqls, promoted, strict=True), 1):
        version += won
        style = {"marker": "o", "ms": 13} if won else {"marker": "X", "ms": 12}
        colour, said = (GREEN, f"version {version}") if won else (ORANGE, "refused")
        axes.plot([turn], [wql], color=colour, **style)
        beside = wql - 0.006 if won else wql + 0.006
        axes.text(turn, beside, said, color=colour, ha="center", va="center")
    axes.text(1.75, wqls[0] + 0.002, "champion", color=GREEN, weight="bold", ha="center")
    axes.set(xlim=(0.25, 5.7), ylim=(0.42, 0.515), yticks=(0.42, 0.44, 0.46, 0.48, 0.50))
    axes.set_xticks(range(1, len(wqls) + 1))
    page.text(217, 20, "challengers, one after the other", ha="center", va="center", color=GREY)
    return figure


def draw_reigns(axes: Axes, wqls: list[float], promoted: list[bool]) -> None:
    """Draw a thick line for as long as each champion was champion."""
    turns = [turn for turn, won in enumerate(promoted, 1) if won]
    for turn, until in zip(turns, [*turns[1:], 5.7], strict=True):
        axes.plot([turn, until], [wqls[turn - 1]] * 2, color=GREEN, lw=4)
    for turn, after in pairwise(turns):
        axes.plot([after] * 2, [wqls[turn - 1], wqls[after - 1]], color=GREEN, lw=1.8, ls=":")


# ------------------------------------------------------------------------------------- the plan

WEEKS, LEAD_TIME = 15, 2


def policy() -> ReplenishmentPlan:
    """Return the plan of one product: three weeks to cover, and orders that cost something."""
    inventory = InventorySettings(
        lead_time=LEAD_TIME, review_period=1, order_cost=0.4, holding_cost=0.01
    )
    weeks = inventory.protection_interval
    demand = LeadTimeDemand(LEVELS, quantiles(np.array([USUAL * weeks])), weeks)
    return make_plan(np.array(["mugs"]), demand, inventory, np.ones(1), np.array([np.nan]))


def follow(plan: ReplenishmentPlan, sales: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Order by a plan, week by week: at the start of each, stock is looked at, then sold from.

    Returns:
        Stock on hand at each start and end of a week, and the inventory position before and after
        ordering and at the end. Shapes ``(W, 2)`` and ``(W, 3)``. The weeks in which was ordered.
    """
    point, up_to = plan.reorder_point[0], plan.order_up_to_level[0]
    on_hand, arriving = up_to, np.zeros(len(sales) + LEAD_TIME)
    hand, position, ordered = [], [], []
    for week, sold in enumerate(sales):
        on_hand += arriving[week]
        held = on_hand + arriving[week + 1 :].sum()
        if held <= point:
            arriving[week + LEAD_TIME] += up_to - held
            ordered.append(week)
        after = up_to if held <= point else held
        hand.append((on_hand, on_hand - sold))
        position.append((held, after, after - sold))
        on_hand -= sold
    return np.array(hand), np.array(position), ordered


def draw_plan() -> Figure:
    """Stock that follows a plan, against its reorder point and its order-up-to level."""
    plan = policy()
    hand, position, ordered = follow(plan, history(WEEKS, seed=8))
    levels = {
        "order up\nto": (plan.order_up_to_level[0], GREY, (0, (1, 2))),
        "reorder\npoint": (plan.reorder_point[0], ORANGE, (0, (5, 3))),
        "safety\nstock": (plan.safety_stock[0], GREEN, (0, (5, 2, 1, 2))),
    }
    figure, page = card(440)
    page.text(MARGIN, 412, "Units, week by week", size=LARGE, weight="bold", va="center")
    axes = chart(figure, 44, 54, 256, 340)
    for name, (units, colour, dashes) in levels.items():
        axes.axhline(units, color=colour, lw=2, ls=dashes)
        axes.text(WEEKS + 0.3, units, f"{name} {units:.0f}", color=colour, va="center")
    week = np.arange(WEEKS)
    axes.plot(
        np.stack([week, week, week + 1], axis=1).ravel(), position.ravel(), color=BLUE, lw=1.8,
        ls=(0, (3, 1.5)),
    )  # fmt: skip
    axes.plot(np.stack([week, week + 1], axis=1).ravel(), hand.ravel(), color=INK, lw=2.6)
    axes.plot(ordered, position[ordered, 0], ls="none", marker="^", ms=11, color=BLUE)
    top = plan.order_up_to_level[0]
    axes.text(0.3, top + 13, "▲ an order is placed", color=BLUE)
    axes.text(0.3, top + 4, "dashed: and what is on order", color=BLUE)
    axes.text(0.4, 40, "on hand")
    axes.set(xlim=(0, WEEKS), ylim=(0, top + 20), xticks=range(0, WEEKS, 4))
    page.text(172, 18, "week", ha="center", va="center", color=GREY)
    return figure


# ------------------------------------------------------------------------------------- the path

STEPS = (
    ("your table", INK, "who bought what, and when"),
    ("panel", BLUE, "demand of each product,\nweek by week"),
    ("folds", BLUE, "where history is cut:\nto train, to tune, to test"),
    ("bundle", PURPLE, "what was trained,\nas one folder"),
    ("champion", GREEN, "the bundle that\npassed every gate"),
    ("forecast", PURPLE, "how likely each demand is,\nweeks ahead"),
    ("plan", ORANGE, "when to order,\nand how much"),
)


def draw_path() -> Figure:
    """From rows to orders: what each step makes, and where a champion branches off."""
    step = 68
    figure, page = card(step * len(STEPS) + 16)
    for place, (name, colour, says) in enumerate(STEPS):
        y = step * (len(STEPS) - place) - 46
        aside = 46 if name == "champion" else 0
        pill(page, (MARGIN + aside, y), name, colour)
        page.text(MARGIN + aside + 132, y + 20, says, va="center", linespacing=1.2)
        if name == "champion":
            arrow(page, (MARGIN + 20, y + 20), (MARGIN + aside, y + 20))
        elif place:
            above = 2 if STEPS[place - 1][0] == "champion" else 1
            arrow(page, (MARGIN + 20, y + above * step), (MARGIN + 20, y + 40))
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "panel": draw_panel,
    "fold": draw_fold,
    "forecast": draw_forecast,
    "bundle": draw_bundle,
    "champion": draw_champion,
    "plan": draw_plan,
    "path": draw_path,
}


def main() -> None:
    """Draw all pictures into a folder."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the ideas.")
    parser.add_argument("folder", type=Path, help="where to write them (SVG)")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        mpl.rcdefaults()
        with mpl.rc_context(STYLE):
            draw().savefig(folder / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
