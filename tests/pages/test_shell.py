"""The shell of a page: one file, no request to anywhere, and names that stay names."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from restock.pages.looks import INK, Look, looks
from restock.pages.plots import Band, Line, Panel, Plot
from restock.pages.shell import ASSETS, CHARTS, Items, Page, Section
from restock.pages.tables import MISSING, Cell, Span, Table, number, table, text
from restock.settings.baselines import BASELINES

HOSTILE = "</script><b>&amp; \"q\" 'n' $x^2$ {{ 1 }}"
NUMBERS = table(pd.DataFrame({"x": [1.0]}), "numbers")


def plot(name: str = "lstm") -> Plot:
    line = Line(name, [1.0, float("nan"), 3.123456789], looks([name])[name], start=1)
    band = Band("80 %", np.array([0.0, 1.0]), np.array([2.0, 3.0]), Look("#1f78d1"), 2)
    return Plot("loss", "steps", "wql", (Panel(name, ["a", "b", "c"], (line,), (band,)),), NUMBERS)


class Texts(HTMLParser):
    """What a reader sees, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_names_are_shown_as_they_are_and_never_become_markup() -> None:
    rows = table(pd.DataFrame({HOSTILE: [HOSTILE]}), HOSTILE)
    page = Page(HOSTILE, (HOSTILE,), (Section(HOSTILE, (rows, plot(HOSTILE), Items((HOSTILE,)))),))
    read = Texts()
    read.feed(page.html())
    assert "b" not in read.tags
    # title (with the product's name), heading, lead, contents, section, caption, heading and cell
    # of the table, panel, legend, item
    assert sum(HOSTILE in found for found in read.texts) == 11
    drawn = re.findall(r'<script type="application/json">(.*?)</script>', page.html(), re.DOTALL)
    assert [line["name"] for line in json.loads(drawn[0])["lines"]] == [HOSTILE]


def test_a_page_asks_no_other_host_for_anything() -> None:
    html = Page("t", (), (Section("s", (plot(),)),)).html()
    body = html.replace((ASSETS / CHARTS).read_text(), "")
    assert "http" not in body.replace('http-equiv="Content-Security-Policy"', "")
    assert "default-src 'none'" in html
    assert len(html.encode()) < 1_000_000


def test_only_a_page_with_plots_carries_the_library_that_draws() -> None:
    assert "Chart.js" in Page("t", (), (Section("s", (plot(),)),)).html()
    assert "Chart.js" not in Page("t", (), (Section("s", (NUMBERS,)),)).html()


def test_the_same_page_has_the_same_bytes(tmp_path: Path) -> None:
    page = Page("t", ("lead",), (Section("s", (plot(), NUMBERS)),), {"fact": "1"})
    page.write(tmp_path / "a.html")
    page.write(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_no_two_models_look_alike_and_one_looks_the_same_everywhere() -> None:
    names = ["lstm", *BASELINES, *(f"mine {n}" for n in range(30))]
    found = looks(names)
    assert len(set(found.values())) == len(names)
    assert looks(["theta"])["theta"] == found["theta"]
    assert looks(reversed(names))["ets"] == found["ets"]


@pytest.mark.parametrize("paper", ["#ffffff", "#14181d"])
def test_every_colour_stands_out_from_light_and_from_dark(paper: str) -> None:
    css = (ASSETS / "page.css").read_text()
    assert paper in css.replace("#fff;", "#ffffff;")
    for name, look in looks(["lstm", *BASELINES]).items():
        assert contrast(look.color, paper) >= 3, name


def contrast(one: str, other: str) -> float:
    """Contrast by WCAG 2.2, from its definition of relative luminance."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_what_is_drawn_keeps_gaps_places_and_six_digits() -> None:
    (panel,) = plot().panels
    drawn = plot().drawn(panel)
    (line,), (band,) = drawn["lines"], drawn["bands"]
    assert line["values"] == [1.0, None, 3.12346]
    assert (line["start"], band["start"]) == (1, 2)
    assert (band["low"], band["high"]) == ([0.0, 1.0], [2.0, 3.0])
    assert drawn["labels"] == ["a", "b", "c"]


def test_a_legend_names_each_once() -> None:
    line = Line("demand", [1.0], INK)
    panels = tuple(Panel(f"p{n}", ["a"], (line, line)) for n in range(3))
    assert [part.name for part in Plot("c", "x", "y", panels, NUMBERS).legend] == ["demand"]


def test_numbers_sort_by_value_and_what_is_missing_by_nothing() -> None:
    frame = pd.DataFrame({"model": ["a", "b"], "wql": [0.25, np.nan]})
    shown = table(frame, "t", shown="{:.1f}", bars=["wql"])
    (_, known), (_, missing) = shown.rows
    assert known == Cell("0.2", 0.25, Span(0.0, 0.25))
    assert missing == Cell(MISSING)
    assert shown.scale(1) == (0.0, 0.25)


def test_bars_of_one_column_share_a_scale_with_zero_on_it() -> None:
    spans = [Span(-0.5, 1.0, 0.2), Span(0.5, 2.0)]
    rows = tuple((text("r"), Cell("s", 0.0, span)) for span in spans)
    assert Table("t", ("a", "b"), rows).scale(1) == (-0.5, 2.0)
    html = Page("t", (), (Section("s", (Table("t", ("a", "b"), rows),)),)).html()
    # Zero lies a fifth along from -0.5 to 2; the first bar begins at the left end.
    assert 'class="zero" style="left:20.00%;width:0.00%"' in html
    assert 'class="span" style="left:0.00%;width:60.00%"' in html
    assert 'class="dot" style="left:28.00%;width:0.00%"' in html


def test_a_column_without_any_value_is_drawn() -> None:
    assert number(float("inf"), "{:.1f}") == Cell(MISSING)
    assert Table("t", ("a",), ((Cell(MISSING),),)).scale(0) == (0.0, 1.0)
