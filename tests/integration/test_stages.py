"""Stages, typed out of order or with other settings than those before them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from restock.commands import explain
from restock.commands.arguments import Arguments
from restock.errors import ConfigError, IntegrityError
from restock.forecasters.bundle import load_bundle
from restock.forecasters.combine import Combination
from restock.settings.tree import parse_settings
from restock.tracking.memory import MemoryTracker
from restock.training import bundle
from restock.training.choice import Candidate, Choice
from support.builders import DATA, LEVELS, TINY_TREES, table
from support.stages import context, run, untuned


def test_other_feature_settings_are_trained_as_they_are(tmp_path: Path) -> None:
    run("fetch prepare featurize", untuned(tmp_path), tmp_path)
    other = untuned(tmp_path, features={"lags": [1]})
    said = run("train evaluate forecast", other, tmp_path)
    assert any("making them again" in note for note in said)
    bundle = load_bundle(tmp_path / "out/bundle")
    assert bundle.manifest.features["lags"] == [1]
    assert "lag_2" not in bundle.state.past_mean


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project up to its evaluation. Copy it before anything in it is changed."""
    folder = tmp_path_factory.mktemp("evaluated")
    run("fetch prepare featurize train evaluate", untuned(folder), folder)
    return folder


def sell_more_in_the_last(periods: int, path: Path) -> None:
    """Add 500 to the sales of every item in its last periods."""
    sales = pd.read_csv(path)
    late = sales.groupby("item").cumcount(ascending=False) < periods
    sales.loc[late, "sales"] += 500
    sales.to_csv(path, index=False)


def test_refits_are_scored_beside_the_bundle_and_read_nothing_after_their_origin(
    tmp_path: Path,
) -> None:
    refitted = {
        "evaluation": {
            "horizon": 3, "num_folds": 5, "stride": 2, "refit_every_n_folds": 2,
            "baselines": {"names": ["ses"]},
        }
    }  # fmt: skip
    digests = []
    for folder, last in (("as it is", 0), ("later", 5)):
        (tmp_path / folder).mkdir()
        chosen = untuned(tmp_path / folder, **refitted)
        # The test has origins 11, 9, 7, 5 and 3 periods before the end; trainings end at 11, 7, 3.
        sell_more_in_the_last(last, tmp_path / folder / "own.csv")
        run("fetch prepare featurize train evaluate", chosen, tmp_path / folder)
        out = tmp_path / folder / "out"
        bundles = [load_bundle(out / name) for name in ("bundle", "refits/2", "refits/4")]
        digests.append([bundle.manifest.digest for bundle in bundles])
        ends = [bundle.manifest.train_end for bundle in bundles]
        assert ends == sorted(set(ends))
        assert len({str(bundle.manifest.choice) for bundle in bundles}) == 1
        report = json.loads((out / "metrics.json").read_text())
        assert report["refitted"]["origins"] == [2, 4]
        chosen_scores = report["models"][report["chosen"]]
        assert 0 < abs(report["refitted"]["scores"]["mae"] - chosen_scores["mae"]) < 500
    same = [first == second for first, second in zip(*digests, strict=True)]
    assert same == [True, True, False]


def test_the_report_says_which_settings_reach_further_back_than_the_series(
    evaluated: Path, tmp_path: Path
) -> None:
    notes = json.loads((evaluated / "out/metrics.json").read_text())["notes"]
    assert "No season of a year was learned: no series is longer than one." in notes
    assert not any("windows.lookback" in note or "two seasons" in note for note in notes)
    seasonal = {"baselines": {"names": ["naive", "theta"]}}
    chosen = untuned(tmp_path, windows={"lookback": 40}, evaluation=seasonal)
    path = tmp_path / "own.csv"
    sales = pd.read_csv(path)
    late = (sales["item"] == sales["item"].min()) & (sales.groupby("item").cumcount() < 20)
    sales[~late].to_csv(path, index=False)
    said = run("fetch prepare featurize train evaluate", chosen, tmp_path)
    young = "1 of 3 series are younger than windows.lookback=40 periods"
    assert any(note.startswith(young) for note in said)
    assert any("less than two seasons of 52 periods" in note for note in said)


def test_refits_of_another_bundle_are_refused(evaluated: Path, tmp_path: Path) -> None:
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    index = tmp_path / "out/refits/refits.json"
    assert json.loads(index.read_text())["origins"] == []
    index.write_text(json.dumps({"bundle": "0" * 64, "origins": []}))
    with pytest.raises(IntegrityError, match="Run `restock train` again"):
        run("evaluate", untuned(tmp_path), tmp_path)


def test_nothing_that_is_trained_or_learned_reads_a_test_period(tmp_path: Path) -> None:
    """Weights, trees, pools, mix and calibration are in the bundle's digest; so are the folds in
    the losses of the candidates. One fold is a whole horizon, the other is shorter.
    """
    both = {
        "evaluation": {
            "horizon": 6, "num_folds": 1, "num_tuning_folds": 2,
            "baselines": {"names": ["boosted_trees", "ses"], "trees": TINY_TREES},
        }
    }  # fmt: skip
    learned = []
    for folder, last in (("as it is", 0), ("after the test began", 6), ("before it", 7)):
        (tmp_path / folder).mkdir()
        chosen = untuned(tmp_path / folder, **both)
        sell_more_in_the_last(last, tmp_path / folder / "own.csv")
        run("fetch prepare featurize train", chosen, tmp_path / folder)
        manifest = load_bundle(tmp_path / folder / "out/bundle").manifest
        learned.append((manifest.digest, manifest.steps, manifest.choice))
    assert learned[0] == learned[1]
    assert len(learned[0][2]["candidates"]) >= 6
    for first, last in zip(learned[0], learned[2], strict=True):
        assert first != last or isinstance(first, int)  # one period earlier: the test can fail


def test_a_bundle_is_not_scored_on_periods_it_was_trained_on(
    tmp_path: Path, evaluated: Path
) -> None:
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    (tmp_path / "out/metrics.json").unlink()
    for changed in ({"num_folds": 4}, {"horizon": 4}):
        other = untuned(tmp_path, evaluation=changed)
        with pytest.raises(ConfigError, match="cut the history elsewhere"):
            run("evaluate", other, tmp_path)
    assert not (tmp_path / "out/metrics.json").exists()


def test_a_report_of_another_bundle_is_refused(tmp_path: Path, evaluated: Path) -> None:
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    run("train", untuned(tmp_path, model={"units": 4}), tmp_path)
    with pytest.raises(IntegrityError, match="Run `restock evaluate` again first"):
        run("forecast", untuned(tmp_path), tmp_path)


def test_a_baseline_that_is_chosen_is_what_is_bundled_scored_and_forecasts(
    tmp_path: Path, evaluated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    trees, mix = (Combination.plain(np.array(LEVELS), name) for name in ("boosted_trees", "lstm"))
    others = (
        Candidate("boosted_trees", trees.weights, 0.1, 0.95),
        Candidate("mix", mix.weights, 0.2, 0.5),
    )
    chosen_trees = Choice("boosted_trees", "wql", trees, mix, others)
    monkeypatch.setattr(bundle, "choose", lambda _: chosen_trees)
    names = {"names": ["naive", "boosted_trees"], "trees": TINY_TREES}
    chosen = untuned(tmp_path, evaluation={"baselines": names})
    said = run("train evaluate forecast plan", chosen, tmp_path)
    assert "forecast 3 series by boosted_trees" in said
    report = json.loads((tmp_path / "out/metrics.json").read_text())
    assert report["chosen"] == "boosted_trees"
    assert list(report["models"]) == ["boosted_trees", "mix", "lstm", "naive"]
    assert report["models"]["mix"] == report["models"]["lstm"] != report["models"]["boosted_trees"]
    totals = pd.read_csv(tmp_path / "out/forecast_totals.csv")
    series = pd.read_parquet(tmp_path / "out/forecast.parquet")
    assert totals["mean"].sum() == pytest.approx(series["mean"].sum())


def test_an_evaluation_explains_and_calibrates_every_model(evaluated: Path) -> None:
    shares = pd.read_csv(evaluated / "out/calibration.csv")
    chosen = json.loads((evaluated / "out/metrics.json").read_text())["chosen"]
    assert set(shares["model"]) >= {chosen, "lstm", "naive", "moving_median"}
    assert shares[["share", "total_share"]].stack().between(0, 1).all()
    first = shares.groupby("model")["total_share"].apply(lambda s: s.is_monotonic_increasing)
    assert first.all()
    inputs = pd.read_csv(evaluated / "out/importance.csv")
    assert {"anchors", "demand", "in_stock"} <= set(inputs["input"])
    assert pd.read_csv(evaluated / "out/lost_sales.csv").empty  # nothing was ever sold out
    page = (evaluated / "out/report/report.html").read_text()
    assert "Inputs of the network" in page
    assert (evaluated / "out/report/forecasts.png").is_file()


def test_a_series_is_explained_from_what_lies_on_disk(tmp_path: Path, evaluated: Path) -> None:
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    logged = MemoryTracker()
    around = context(untuned(tmp_path), tmp_path, tracker=logged)
    parts = explain.run(around, Arguments(("store 0/item 0",)))
    (logged,) = logged.children
    assert parts[1] == ("Table", str(tmp_path / "out/explanations/store 0%2Fitem 0.csv"))
    effects = pd.read_csv(parts[1][1])
    assert effects.columns.tolist() == ["input", "effect", "step_1", "step_2", "step_3"]
    assert (tmp_path / "out/explanations/store 0%2Fitem 0.png").is_file()
    assert logged.params == {"series_id": "store 0/item 0"}
    assert [path.suffix for path, _ in logged.artifacts] == [".csv", ".png"]


def test_stock_outs_that_are_marked_are_reported(tmp_path: Path, evaluated: Path) -> None:
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    rows = table(3, 50)
    rows["stocked"] = 1
    rows.loc[20, ["sales", "stocked"]] = 0
    rows.to_csv(tmp_path / "marked.csv", index=False)
    columns = {**DATA["columns"], "in_stock": "stocked"}
    marked = untuned(tmp_path).model_dump(mode="json")
    marked["data"] |= {"columns": columns, "source": {"path": str(tmp_path / "marked.csv")}}
    said = run(
        "fetch prepare featurize train evaluate", parse_settings(marked, where="test"), tmp_path
    )
    lost = pd.read_csv(tmp_path / "out/lost_sales.csv")
    assert lost["series_id"].tolist() == ["store 0/item 0"]
    expected = rows["sales"][12:20].mean()  # of the eight weeks before
    assert lost["expected_lost_units"].tolist() == [pytest.approx(expected)]
    assert any("1 sold-out periods are thought to have cost" in note for note in said)
