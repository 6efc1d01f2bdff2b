"""Stage evaluate: the trained bundle and the baselines on test folds nobody has tuned on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from restock.data.files import read_json, replacing, write_json
from restock.data.store import load_panel, write_table
from restock.errors import ConfigError, IntegrityError
from restock.evaluation.backtest import (
    Backtest,
    Predict,
    forecast_table,
    run_backtest,
    segments,
)
from restock.evaluation.explain import importance
from restock.evaluation.losses import loss_table
from restock.evaluation.lost_sales import lost_sales
from restock.evaluation.report import calibration, leaderboard, log_report, shortened
from restock.evaluation.scored import Scored
from restock.evaluation.selection import folds_with_demand
from restock.forecasters.baselines.make import baselines_beside
from restock.forecasters.bundle import Bundle, load_bundle
from restock.forecasters.combine import Combination
from restock.forecasters.names import LSTM, MIX
from restock.pages.evaluation import evaluation_page
from restock.pages.figures import fan_charts
from restock.types import layout
from restock.types.folds import Folds
from restock.types.forecast import DemandForecast
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
    m = settings.evaluation.seasonal_period
    backtests = _score(context, panel, folds, bundle, m)
    report = _report(m, folds, backtests, bundle)
    report["notes"] += shortened(panel, folds.test.train_end, bundle.manifest)
    report["refitted"] = _refitted(files, panel, folds, bundle, m)
    _write_tables(files, panel, report, backtests)
    tables = [loss_table(n, test, panel, settings.inventory) for n, test in backtests.items()]
    losses = pd.concat(tables, ignore_index=True)
    write_table(files.write(layout.LOSSES), losses)
    by_segment = _score_segments(panel, folds, backtests)
    write_table(files.write(layout.SEGMENT_SCORES), by_segment)
    _estimate_lost_sales(context, panel, settings.evaluation.baselines.moving_window)
    inputs = importance(bundle, panel, folds.test)
    write_table(files.write(layout.IMPORTANCE), inputs)
    found = Scored(bundle, panel, folds, report, losses)
    _write_report(files, found, backtests, by_segment=by_segment, inputs=inputs)
    _tell(context, report)
    return found


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


def _score(
    context: Context[EvaluateView],
    panel: DemandPanel,
    folds: Folds,
    bundle: Bundle,
    seasonal_period: int,
) -> dict[str, Backtest]:
    """Return the backtests of the bundle's forecast, of the mix, the network and the baselines.

    Baselines are fitted anew on what the bundle was trained on.
    """

    def backtest(predict: Predict) -> Backtest:
        return run_backtest(predict, panel, folds.test, seasonal_period)

    baselines = baselines_beside(bundle.manifest, context.settings.evaluation.baselines)
    alone = {LSTM: backtest(partial(bundle.predict_network, panel))}
    with context.console.progress("evaluating", len(baselines)) as progress:
        for name, baseline in baselines.items():
            fitted = baseline.fit(panel, folds.test.train_end)
            alone[name] = backtest(partial(fitted.predict, panel))
            progress.advance(name)
    answers = {bundle.chosen: backtest(partial(bundle.predict, panel))}
    offered = {candidate["name"] for candidate in bundle.candidates}
    if MIX in offered - set(answers) and set(bundle.mix.weights) <= set(alone):
        mixed = _mixed(bundle.mix, alone, panel, folds)
        answers[MIX] = backtest(lambda _: next(mixed))
    return {**answers, **{name: test for name, test in alone.items() if name not in answers}}


def _refitted(
    files: Layout, panel: DemandPanel, folds: Folds, bundle: Bundle, seasonal_period: int
) -> dict[str, Any] | None:
    """Score the forecasts of the refits, each from its own origin on; None if there are none.

    A bundle that was fetched from a run or a registry comes without them.

    Raises:
        IntegrityError: If the refits belong to another bundle.
    """
    folder = files.read(layout.REFITS)
    if not folder.is_dir():
        return None
    index = read_json(folder / layout.REFITS_INDEX)
    if index["bundle"] != bundle.manifest.digest:
        raise IntegrityError(f"{folder} belongs to another bundle. Run `restock train` again.")
    if not index["origins"]:
        return None
    models = {0: bundle, **{n: load_bundle(folder / str(n)) for n in index["origins"]}}
    latest = (models[max(n for n in models if n <= number)] for number in itertools.count())
    test = run_backtest(
        lambda origins: next(latest).predict(panel, origins), panel, folds.test, seasonal_period
    )
    return {"origins": index["origins"], "scores": _plain(test.scores())}


def _mixed(
    mix: Combination, alone: dict[str, Backtest], panel: DemandPanel, folds: Folds
) -> Iterator[DemandForecast]:
    """Yield the learned mix of the models' forecasts from each test origin."""
    for number, origins in enumerate(folds.test.origins):
        made = {name: test.forecasts[number] for name, test in alone.items()}
        yield mix.apply(made, panel.first_seen > np.maximum(origins, 0))


def _report(
    seasonal_period: int,
    folds: Folds,
    backtests: dict[str, Backtest],
    bundle: Bundle,
) -> dict[str, Any]:
    """Collect what metrics.json says; a metric that nothing could be scored for is null."""
    manifest, notes = bundle.manifest, list(folds.notes)
    if manifest.steps is None:
        notes.append(
            "The bundle was trained by an earlier version, which called its mix lstm. Its loss on "
            "the tuning folds cannot be compared with that of other models."
        )
    return {
        "chosen": bundle.chosen,
        "seasonal_period": seasonal_period,
        "horizon": folds.horizon,
        "bundle": manifest.digest,
        "models": {name: _plain(test.scores()) for name, test in backtests.items()},
        "folds": {name: [_plain(s) for s in test.by_origin()] for name, test in backtests.items()},
        "candidates": bundle.candidates,
        "chosen_by": manifest.choice.get("by", "wql"),
        "why": manifest.choice.get("why", f"{bundle.chosen} forecasts"),
        "weights": manifest.combination["weights"],
        "notes": notes,
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
    found: Scored,
    backtests: dict[str, Backtest],
    *,
    by_segment: pd.DataFrame,
    inputs: pd.DataFrame,
) -> None:
    report, panel = found.report, found.panel
    chosen = backtests[report["chosen"]]
    page = evaluation_page(
        report,
        leaderboard(report),
        panel,
        backtests,
        folds=found.folds,
        by_segment=by_segment,
        inputs=inputs,
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
