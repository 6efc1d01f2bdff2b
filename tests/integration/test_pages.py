"""The pages in a real browser: wide and narrow, by mouse and by keyboard, without an error."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from restock.champions.page import promotion_page
from restock.champions.verdict import judge
from restock.data.folds import make_folds
from restock.evaluation.backtest import run_backtest, segments
from restock.evaluation.report import leaderboard
from restock.forecasters.baselines.simple import simple_baselines
from restock.pages.evaluation import evaluation_page
from restock.pages.shell import Page
from restock.settings.baselines import BaselineSettings
from restock.settings.folds import FoldSettings
from restock.settings.promotion import PromotionSettings
from support.browser import chromium
from support.builders import panel
from support.losses import candidate, losses

NAMES = [
    "$x^2$ 'n' \"q\"",
    "<b>bold</b>",
    "A & B",
    "plain",
    "a name that is longer than a phone is",
]
WIDTHS = {"desktop": 1280, "phone": 390}


def evaluated() -> Page:
    history = panel(5, 60, series_id=np.array(sorted(NAMES), dtype=object))
    folds = make_folds(history, FoldSettings(horizon=4, num_folds=2, stride=4, num_tuning_folds=1))
    levels = np.array([0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95])
    models = simple_baselines(BaselineSettings(seasonal_period=13), 4, levels)
    tests = {
        name: run_backtest(
            partial(models[name].fit(history, folds.test.train_end).predict, history),
            history, folds.test, 1,
        )
        for name in ("naive", "moving_mean", "moving_median")
    }  # fmt: skip
    scores = {name: test.scores() for name, test in tests.items()}
    scores["naive"]["sql"] = float("nan")  # a model that could not be scored
    report = {
        "chosen": "moving_mean",
        "seasonal_period": 1,
        "horizon": 4,
        "models": scores,
        "notes": [],
        "chosen_by": "sql",
        "why": "moving_mean was chosen: sql 0.2000; next is <mix> at 0.2500",
        "refitted": {"origins": [1], "scores": {"sql": 0.2}},
        "candidates": [
            {"name": "moving_mean", "weights": {"moving_mean": 1.0}, "loss": 0.2, "better": 0.93},
            {"name": "mix", "weights": {"lstm": 0.6, "naive": 0.4}, "loss": 0.25, "better": 0.5},
        ],
    }
    rows = [
        {"kind": kind, "segment": segment, "model": name, **found}
        for kind, labels in segments(history, folds.test.train_end).items()
        for name, test in tests.items()
        for segment, found in test.by_segment(labels).items()
    ]
    inputs = pd.DataFrame(
        {"input": ["demand", "promo"], "wql_rise": [0.2, -0.01], "moves": [1.0, 0.1]}
    )
    return evaluation_page(
        report,
        leaderboard(report),
        history,
        tests,
        folds=folds,
        by_segment=pd.DataFrame(rows),
        inputs=inputs,
    )


def promoted() -> Page:
    spread = np.random.default_rng(0).uniform(0.8, 1.2, (40, 3))
    ours, theirs = candidate("lstm", 4 * spread), candidate("<b>own</b> version 1", 4.1 * spread)
    verdict = judge(
        ours,
        theirs,
        [losses("naive", 8 * spread), losses("ets", 3.9 * spread[:, ::-1])],
        segments={"volume": np.array(["A"] * 20 + ["B & C"] * 20)},
        settings=PromotionSettings(num_resamples=100),
        seed=0,
    )
    return promotion_page(
        verdict, "Challenger against <b>own</b>", {"challenger": ours, "champion": theirs}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    evaluated().write(made / "evaluation.html")
    promoted().write(made / "promotion.html")
    return made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def shown(browser: Chrome, folder: Path, name: str, width: int = 1280) -> Chrome:
    """Open a page at a width, as if for the first time."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((folder / f"{name}.html").as_uri())
    browser.execute_script("localStorage.clear()")
    browser.refresh()
    return browser


@pytest.mark.parametrize("width", WIDTHS.values(), ids=list(WIDTHS))
@pytest.mark.parametrize("name", ["evaluation", "promotion"])
def test_a_page_fits_its_width_and_reports_no_error(
    browser: Chrome, folder: Path, name: str, width: int
) -> None:
    browser.get_log("browser")
    page = shown(browser, folder, name, width)
    assert page.get_log("browser") == []
    root = page.find_element(By.TAG_NAME, "html")
    assert int(root.get_property("scrollWidth")) <= int(root.get_property("clientWidth")) <= width
    assert "<b>" in page.find_element(By.TAG_NAME, "body").text
    assert page.find_elements(By.TAG_NAME, "b") == []


@pytest.mark.parametrize("width", WIDTHS.values(), ids=list(WIDTHS))
def test_every_plot_is_drawn_and_its_legend_hides_a_line(
    browser: Chrome, folder: Path, width: int
) -> None:
    page = shown(browser, folder, "evaluation", width)
    canvases = page.find_elements(By.TAG_NAME, "canvas")
    assert len(canvases) == len(NAMES) + 3
    assert all(inked(page, canvas) > 100 for canvas in canvases)
    legend = page.find_elements(By.CSS_SELECTOR, ".legend button")
    assert {"demand", "forecast", "80 % interval", "naive"} <= {entry.text for entry in legend}
    demand = next(entry for entry in legend if entry.text == "demand")
    before = inked(page, canvases[0])
    demand.send_keys(Keys.ENTER)
    assert demand.get_attribute("aria-pressed") == "false"
    assert inked(page, canvases[0]) < before
    demand.send_keys(Keys.ENTER)
    assert inked(page, canvases[0]) == before


def inked(page: Chrome, canvas: object) -> int:
    """Count the pixels that something was drawn on."""
    count = (
        "const c = arguments[0];"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i] > 0) n++; return n;"
    )
    return int(page.execute_script(count, canvas))


def test_a_heading_sorts_by_value_and_leaves_what_is_missing_last(
    browser: Chrome, folder: Path
) -> None:
    page = shown(browser, folder, "evaluation")
    board = page.find_element(By.CSS_SELECTOR, "table")
    sql = board.find_element(By.XPATH, ".//thead//button[text()='sql']")
    for direction in ("ascending", "descending"):
        sql.send_keys(Keys.ENTER)
        heading = sql.find_element(By.XPATH, "..")
        assert heading.get_attribute("aria-sort") == direction
        rows = board.find_elements(By.CSS_SELECTOR, "tbody tr")
        values = [
            row.find_element(By.CSS_SELECTOR, "td").get_attribute("data-value") for row in rows
        ]
        assert values[-1] is None
        known = [float(value) for value in values[:-1] if value]
        assert known == sorted(known, reverse=direction == "descending")
        assert len(known) == 2


def test_the_theme_is_the_readers_and_stays_when_the_page_is_opened_again(
    browser: Chrome, folder: Path
) -> None:
    page = shown(browser, folder, "evaluation")
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert page.execute_script(paper) == "rgb(255, 255, 255)"
    button = page.find_element(By.ID, "theme")
    button.send_keys(Keys.ENTER)
    button.send_keys(Keys.ENTER)
    assert button.text == "Theme: dark"
    assert page.execute_script(paper) == "rgb(20, 24, 29)"
    page.refresh()
    assert page.execute_script(paper) == "rgb(20, 24, 29)"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.execute_script(paper) == "rgb(255, 255, 255)"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page.execute_script("localStorage.clear()")


def test_the_keyboard_reaches_the_content_first_and_every_table(
    browser: Chrome, folder: Path
) -> None:
    page = shown(browser, folder, "promotion")
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert page.switch_to.active_element.text == "Skip to the content"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert page.switch_to.active_element.get_attribute("id") == "content"
    tables = page.find_elements(By.CSS_SELECTOR, ".scroll")
    assert all(table.get_attribute("tabindex") == "0" for table in tables)
    assert [table.get_attribute("aria-label") for table in tables] == [
        table.find_element(By.TAG_NAME, "caption").text for table in tables
    ]
