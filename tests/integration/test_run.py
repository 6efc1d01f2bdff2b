"""`restock run` on somebody's own table, as a person would type it, then promotion."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.builders import table
from support.typed import restock

TINY = ["debug=tiny", "evaluation.horizon=3", "evaluation.num_folds=2", "evaluation.stride=3"]
YAML = """
source: {path: ../tables/sales.csv}
columns:
  timestamp: date
  series: [store, item]
  demand: sales
  static: [store]
  known_future: [promo]
frequency: W-SUN
"""
METRICS = ["mae", "rmse", "wape", "bias", "mase", "rmsse", "wql", "sql"]
METRICS += [f"{of}coverage_{share}" for of in ("", "total_") for share in (50, 80, 90)]
BASELINES = {"naive", "seasonal_naive", "moving_mean", "moving_median", "ses", "ets", "theta"}
BASELINES |= {"croston", "sba", "tsb", "boosted_trees"}


def own_data(folder: Path, rows: pd.DataFrame) -> None:
    (folder / "my conf" / "data").mkdir(parents=True)
    (folder / "my conf" / "tables").mkdir()
    rows.to_csv(folder / "my conf" / "tables" / "sales.csv", index=False)
    (folder / "my conf" / "data" / "mine.yaml").write_text(YAML)


RUN = ["run", "--config-dir", "my conf", "data=mine", "output_dir=OUT", *TINY]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a project")
    rows = table(6, 64)
    future = rows["date"] > "2021-03-01"
    rows["sales"] = rows["sales"].astype("Float64").mask(future)
    short = rows["item"].eq("item 5") & (rows["date"] < "2021-02-20")
    own_data(folder, rows[~short])  # one product is too new to test
    done = restock(*RUN, cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_metrics_hold_every_model_and_measure(project: Path) -> None:
    report = json.loads((project / "OUT/metrics.json").read_text())
    assert set(report["models"]) == {report["chosen"], "lstm", *BASELINES}
    assert report["chosen"] in report["models"]
    assert report["seasonal_period"] == 1
    for scores in report["models"].values():
        assert list(scores) == METRICS
        assert all(isinstance(value, float) for value in scores.values())
    leaderboard = pd.read_csv(project / "OUT/leaderboard.csv")
    assert list(leaderboard.columns) == ["model", *METRICS]
    assert leaderboard["sql"].is_monotonic_increasing
    assert any("item 5" in note for note in report["notes"])


def test_scores_stand_by_step_and_by_segment(project: Path) -> None:
    chosen = json.loads((project / "OUT/metrics.json").read_text())["chosen"]
    steps = pd.read_csv(project / "OUT/scores_by_step.csv")
    assert steps["step"].tolist() == [1, 2, 3]
    assert {chosen, "lstm", *BASELINES} <= set(steps.columns)
    cuts = pd.read_csv(project / "OUT/scores_by_segment.csv")
    assert set(cuts["kind"]) == {"volume", "pattern", "store"}
    assert set(cuts["model"]) >= {chosen, "lstm", *BASELINES}
    page = (project / "OUT/report/report.html").read_text()
    assert "Weighted quantile loss by volume" in page


def test_backtest_forecasts_can_be_scored_again_by_hand(project: Path) -> None:
    rows = pd.read_parquet(project / "OUT/backtest_forecasts.parquet")
    quantiles = [f"q{level / 10:.1f}" for level in range(1, 10)]
    head = ["series_id", "forecast_origin", "timestamp", "step", "demand"]
    assert list(rows.columns) == [*head, *quantiles]
    assert (np.diff(rows[quantiles].to_numpy(), axis=1) >= 0).all()
    origins = pd.DatetimeIndex(sorted(rows["forecast_origin"].unique()))
    last = pd.Timestamp("2021-02-28")  # the last period with demand
    assert list(origins) == [last - pd.Timedelta(weeks=6), last - pd.Timedelta(weeks=3)]
    assert rows["timestamp"].max() == last
    truth = pd.read_csv(project / "my conf/tables/sales.csv", parse_dates=["date"])
    truth["series_id"] = truth["store"] + "/" + truth["item"]
    joined = rows.merge(truth, left_on=["series_id", "timestamp"], right_on=["series_id", "date"])
    np.testing.assert_allclose(joined["demand"], joined["sales"].astype(float))
    report = json.loads((project / "OUT/metrics.json").read_text())
    total = 0.0
    for name, level in zip(quantiles, range(1, 10), strict=True):
        error = rows["demand"] - rows[name]
        total += (2 * np.maximum(level / 10 * error, (level / 10 - 1) * error)).sum() / 9
    expected = report["models"][report["chosen"]]["wql"]
    assert total / rows["demand"].sum() == pytest.approx(expected, rel=1e-6)


def test_the_plan_has_every_series_and_unknown_stock(project: Path) -> None:
    plan = pd.read_csv(project / "OUT/plan.csv")
    needed = (
        "series_id reorder_point safety_stock order_up_to_level order_quantity expected_cost why"
    )
    assert set(needed.split()) <= set(plan.columns)
    assert len(plan) == 6
    assert plan["order_quantity"].isna().all()
    assert plan["why"].str.startswith("stock unknown").all()
    assert plan["expected_shortage_cost"].is_monotonic_decreasing


def test_the_summary_names_what_a_person_needs(project: Path) -> None:
    said = (project / "said.txt").read_text()
    for part in ("Leaderboard", "Champion", "Reorder first", "report.html", "mlflow ui"):
        assert part in said


def test_every_trial_is_a_nested_run_of_one_parent(project: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("restock")
    runs = client.search_runs([experiment.experiment_id])
    parents = {run.info.run_id: run.data.tags.get("mlflow.parentRunId") for run in runs}
    names = {run.info.run_id: run.info.run_name for run in runs}
    family = sorted((names[run], names.get(parent, "")) for run, parent in parents.items())
    (sweep,) = {name for name in names.values() if name.startswith("lstm_small-")}
    stages = [("evaluate", "run"), (sweep, "run"), ("run", ""), ("train", "run")]
    assert family == [*stages, ("trial 0", sweep), ("trial 1", sweep)]
    assert all(run.info.status == "FINISHED" for run in runs)


def test_the_explanation_of_a_series_is_a_run_and_a_mistake_is_none(project: Path) -> None:
    from mlflow import MlflowClient

    missing = restock("explain", "store 0/item 9", *RUN[1:], cwd=project)
    assert missing.returncode == 2
    assert "no series 'store 0/item 9'" in missing.stderr
    done = restock("explain", "store 0/item 0", *RUN[1:], cwd=project)
    assert done.returncode == 0, done.stderr
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("restock")
    runs = client.search_runs([experiment.experiment_id])
    (run,) = [run for run in runs if run.info.run_name == "explain"]
    assert run.data.params == {"series_id": "store 0/item 0"}
    kept = {
        Path(file.path).suffix for file in client.list_artifacts(run.info.run_id, "explanations")
    }
    assert kept == {".csv", ".png"}


def test_stock_turns_the_plan_into_orders(project: Path) -> None:
    plan = pd.read_csv(project / "OUT/plan.csv")
    stock = pd.DataFrame(
        {"series_id": plan["series_id"], "on_hand": 1, "on_order": 2, "backorders": 0}
    ).head(5)
    stock.to_csv(project / "stock.csv", index=False)
    arguments = ["plan", *RUN[1:], "inventory.stock_path=stock.csv"]
    done = restock(*arguments, cwd=project)
    assert done.returncode == 0, done.stderr
    ordered = pd.read_csv(project / "OUT/plan.csv").set_index("series_id")
    known = ordered.loc[stock["series_id"]]
    assert (known["order_quantity"] == known["order_up_to_level"] - 3).all()
    assert ordered["order_quantity"].isna().sum() == 1


# Two epochs on a small table teach little: the gates that ask for more stand open.
OPEN = ["promotion.coverage_80=null", "promotion.max_bias=null"]


def test_promotion_says_why_and_registers_once_or_not_at_all(project: Path) -> None:
    from mlflow import MlflowClient

    report = json.loads((project / "OUT/metrics.json").read_text())
    losses = {name: scores["wql"] for name, scores in report["models"].items()}
    others = [losses[name] for name in BASELINES if name != report["chosen"]]
    wins = losses[report["chosen"]] < min(others)
    said = [restock("promote", *RUN[1:], *OPEN, cwd=project) for _ in range(2)]
    assert [done.returncode for done in said] == [0, 0], said[0].stderr
    assert ("registered mine version 1" in said[0].stdout) == wins
    assert ("not promoted" in said[0].stdout) == (not wins)
    assert "registered" not in said[1].stdout
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    assert len(client.search_model_versions("name = 'mine'")) == wins
    assert (project / "OUT/promotion/promotion.html").is_file()


def test_a_lost_store_is_filled_again_from_the_stored_report(project: Path) -> None:
    from mlflow import MlflowClient

    other = f"tracking.uri=sqlite:///{project / 'second.db'}"
    done = restock("promote", *RUN[1:], *OPEN, other, cwd=project)
    assert done.returncode == 0, done.stderr
    client = MlflowClient(f"sqlite:///{project / 'second.db'}")
    experiment = client.get_experiment_by_name("restock")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert {"evaluate", "promote"} <= set(runs)
    assert runs["evaluate"].data.tags["restock.source"] == "stored report"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["evaluation.horizon=90"], "test needs"),
        (
            ["inventory.lead_time=9"],
            "(lead time + review period) is 10 periods",
        ),
        (["model.units=32"], "model.units=32 was given, but training.use_tuned=true replaces it"),
        (["+data.columns.in_stock=stocked"], "no column 'stocked'"),
    ],
)
def test_what_cannot_work_exits_2_before_compute_is_spent(
    tmp_path: Path, overrides: list[str], message: str
) -> None:
    own_data(tmp_path, table(2, 30))
    if overrides[0].startswith("evaluation.horizon"):
        overrides = [*overrides, "inventory.lead_time=1"]
    done = restock(*RUN, *overrides, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert not (tmp_path / "OUT/bundle").exists()
    assert not list(tmp_path.rglob("*.partial"))


def test_a_multirun_trains_each_job_beside_the_others(project: Path) -> None:
    grid = ["train", "-m", *RUN[1:], "model.units=4,8", "training.max_steps=1"]
    done = restock(*grid, cwd=project)
    assert done.returncode == 0, done.stderr
    folders = sorted(path.parent.name for path in project.glob("multirun/grid-*/*/bundle"))
    assert folders == ["0", "1"]
    units = [
        json.loads((path / "manifest.json").read_text())["model"]["units"]
        for path in sorted(project.glob("multirun/grid-*/*/bundle"))
    ]
    assert units == [4, 8]


def test_a_grid_of_whole_runs_keeps_each_job_to_itself(project: Path) -> None:
    grid = ["run", "-m", *RUN[1:], "training.use_tuned=false", "seed=1,2"]
    done = restock(*grid, cwd=project)
    assert done.returncode == 0, done.stderr
    reports = sorted(project.glob("multirun/*/*/*/metrics.json"))
    bundles = {json.loads(path.read_text())["bundle"] for path in reports}
    assert len(bundles) == 2


@pytest.mark.parametrize("name", ["all_products", "eight_weeks"])
def test_every_experiment_runs_tiny(tmp_path: Path, name: str) -> None:
    own_data(tmp_path, table(3, 60))
    arguments = ["run", "--config-dir", "my conf", "data=mine", f"experiment={name}"]
    more = ["debug=tiny", "output_dir=OUT"]
    done = restock(*arguments, *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "OUT/plan.csv").is_file()


def test_every_experiment_is_in_the_list_above() -> None:
    folder = Path(__file__).parents[2] / "conf/experiment"
    assert {path.stem for path in folder.glob("*.yaml")} == {"all_products", "eight_weeks"}
