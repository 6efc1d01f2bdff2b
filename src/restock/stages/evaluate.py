"""Stage evaluate: the trained bundle and the baselines on test folds nobody has tuned on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from restock.data.files import replacing, write_json
from restock.data.store import load_panel, write_table
from restock.errors import ConfigError
from restock.evaluation.backtest import Backtest, forecast_table, run_backtest, segments
from restock.evaluation.explain import importance
from restock.evaluation.losses import loss_table
from restock.evaluation.lost_sales import lost_sales
from restock.evaluation.report import calibration, leaderboard, log_report
from restock.evaluation.scored import Scored
from restock.evaluation.selection import choose, folds_with_demand, tuning_wql
from restock.forecasters.baselines.make import baselines_beside
from restock.forecasters.bundle import Bundle, load_bundle
from restock.forecasters.names import LSTM
from restock.pages.evaluation import evaluation_page
from restock.pages.figures import fan_charts
from restock.types import layout
from restock.types.folds import Folds
from restock.types.forecast import Forecaster
from restock.types.layout import Layout
from restock.types.panel import DemandPanel

if TYPE_CHECKING:
    from restock.stages.pipeline import EvaluateView
    from restock.tracking.context import Context


def run(context: Context[EvaluateView]) -> Scored:
    """Write scores, leaderboard, the chosen model's forecasts, and plots; hand the scores over."""
    settings, files = context.settings, context.files
    panel = load_panel(files.read(layout.PANEL))
    folds = folds_with_demand(panel, settings.evaluation)
    bundle = load_bundle(files.read(layout.BUNDLE))
    _check_cut(bundle, folds)
    baselines = baselines_beside(bundle.manifest, settings.evaluation.baselines)
    m = settings.evaluation.seasonal_period
    backtests = {LSTM: run_backtest(partial(bundle.predict, panel), panel, folds.test, m)}
    tests, tuning = _score_baselines(context, panel, folds, baselines, m)
    backtests |= tests
    tuning[LSTM] = bundle.manifest.tuning_wql
    report = _report(m, folds, backtests, tuning, bundle.manifest.digest)
    _write_tables(files, panel, report, backtests)
    tables = [loss_table(n, test, panel, settings.inventory) for n, test in backtests.items()]
    losses = pd.concat(tables, ignore_index=True)
    write_table(files.write(layout.LOSSES), losses)
    by_segment = _score_segments(panel, folds, backtests)
    write_table(files.write(layout.SEGMENT_SCORES), by_segment)
    _estimate_lost_sales(context, panel, settings.evaluation.baselines.moving_window)
    inputs = importance(bundle, panel, folds.test)
    write_table(files.write(layout.IMPORTANCE), inputs)
    _write_report(files, panel, report, backtests, by_segment=by_segment, inputs=inputs)
    _tell(context, report)
    return Scored(bundle, panel, folds, report, losses)


def _check_cut(bundle: Bundle, folds: Folds) -> None:
    """Refuse a bundle that was trained for other folds.

    Raises:
        ConfigError: Naming where its training ended.
    """
    if bundle.manifest.cut != folds.cut:
        raise ConfigError(
            f"the bundle was trained for {bundle.horizon} periods on targets up to "
            f"{bundle.manifest.train_end}; the evaluation settings cut the history elsewhere. "
            "Train again with the same evaluation settings."
        )


def _score_baselines(
    context: Context[EvaluateView],
    panel: DemandPanel,
    folds: Folds,
    baselines: dict[str, Forecaster],
    seasonal_period: int,
) -> tuple[dict[str, Backtest], dict[str, float | None]]:
    """Return every baseline's test backtest and tuning loss, fitted anew for each fold."""
    backtests = {}
    tuning: dict[str, float | None] = {}
    with context.console.progress("evaluating", len(baselines)) as progress:
        for name, baseline in baselines.items():
            fitted = baseline.fit(panel, folds.test.train_end)
            predict = partial(fitted.predict, panel)
            backtests[name] = run_backtest(predict, panel, folds.test, seasonal_period)
            tuning[name] = tuning_wql(baseline, panel, folds)
            progress.advance(name)
    return backtests, tuning


def _report(
    seasonal_period: int,
    folds: Folds,
    backtests: dict[str, Backtest],
    tuning: dict[str, float | None],
    bundle: str,
) -> dict[str, Any]:
    """Collect what metrics.json says; a metric that nothing could be scored for is null."""
    return {
        "chosen": choose(tuning),
        "seasonal_period": seasonal_period,
        "horizon": folds.horizon,
        "bundle": bundle,
        "models": {name: _plain(test.scores()) for name, test in backtests.items()},
        "folds": {name: [_plain(s) for s in test.by_origin()] for name, test in backtests.items()},
        "tuning_wql": tuning,
        "notes": list(folds.notes),
        "short_series": list(folds.short_series),
    }


def _plain(scores: dict[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in scores.items()}


def _write_tables(
    files: Layout, panel: DemandPanel, report: dict[str, Any], backtests: dict[str, Backtest]
) -> None:
    write_json(files.write(layout.METRICS), report)
    write_table(files.write(layout.LEADERBOARD), leaderboard(report))
    write_table(files.write(layout.BACKTEST), forecast_table(backtests[report["chosen"]], panel))
    steps = {name: [s["wql"] for s in test.by_step()] for name, test in backtests.items()}
    by_step = pd.DataFrame(steps, index=pd.RangeIndex(1, report["horizon"] + 1, name="step"))
    write_table(files.write(layout.STEP_SCORES), by_step.reset_index())
    write_table(files.write(layout.CALIBRATION), calibration(backtests))


def _score_segments(
    panel: DemandPanel, folds: Folds, backtests: dict[str, Backtest]
) -> pd.DataFrame:
    """Return one row per kind of segment, segment and model."""
    rows = [
        {"kind": kind, "segment": segment, "model": name, **scores}
        for kind, labels in segments(panel, folds.test.train_end).items()
        for name, test in backtests.items()
        for segment, scores in test.by_segment(labels).items()
    ]
    return pd.DataFrame(rows)


def _estimate_lost_sales(context: Context[EvaluateView], panel: DemandPanel, window: int) -> None:
    """Write what stock-outs are thought to have cost; a table without rows where none is known."""
    table = lost_sales(panel, window)
    write_table(context.files.write(layout.LOST_SALES), table)
    if len(table):
        context.console.note(
            f"{table['periods_out_of_stock'].sum()} sold-out periods are thought to have cost "
            f"{table['expected_lost_units'].sum():.0f} {panel.unit}"
        )


def _write_report(
    files: Layout,
    panel: DemandPanel,
    report: dict[str, Any],
    backtests: dict[str, Backtest],
    *,
    by_segment: pd.DataFrame,
    inputs: pd.DataFrame,
) -> None:
    chosen = backtests[report["chosen"]]
    page = evaluation_page(
        report, leaderboard(report), panel, backtests, by_segment=by_segment, inputs=inputs
    )
    with replacing(files.write(layout.REPORT)) as aside:
        aside.mkdir()
        fan_charts(aside / "forecasts.png", panel, chosen)
        page.write(aside / "report.html")


def _tell(context: Context[EvaluateView], report: dict[str, Any]) -> None:
    log_report(context.tracker, report)
    for note in report["notes"]:
        context.console.note(note)
    context.console.note(f"chosen on the tuning folds: {report['chosen']}")
