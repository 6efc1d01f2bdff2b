"""Scores: restock's own metrics for everybody, and the cost of stock for slow movers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from exchange import Exchange
from report import RESTOCK

from restock.data.files import read_json
from restock.evaluation.backtest import Backtest, Scores, run_backtest
from restock.forecasters.baselines.make import baselines_beside, make_baselines
from restock.forecasters.bundle import load_bundle
from restock.settings.model import REPORTED_LEVELS
from restock.settings.tree import Settings
from restock.types import layout
from restock.types.folds import Fold
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray

HOLDING, SHORTAGE = 1.0, 9.0  # per unit left over and per unit short
CRITICAL_RATIO = SHORTAGE / (SHORTAGE + HOLDING)


def stored_scores(outputs: Path) -> dict[str, dict[str, float | None]]:
    """Return what restock's evaluate stage says of its forecast, the network and the baselines."""
    report = read_json(outputs / layout.METRICS)
    models: dict[str, dict[str, float | None]] = report["models"]
    return {RESTOCK: models.pop(report["chosen"]), **models}


def score_peer(exchange: Exchange, peer: str) -> Backtest:
    """Match a peer's stored forecasts with what happened."""
    forecasts = iter(exchange.read(peer))

    def predict(_: IntArray) -> DemandForecast:
        return next(forecasts)

    m = exchange.settings.evaluation.seasonal_period
    return run_backtest(predict, exchange.panel, exchange.fold, m)


def peer_scores(backtest: Backtest) -> dict[str, float | None]:
    """Return a peer's scores: none of totals, which it does not forecast."""
    return {
        name: None if name.startswith("total") or not np.isfinite(value) else value
        for name, value in backtest.scores().items()
    }


def baseline_scores(settings: Settings, panel: DemandPanel, fold: Fold) -> dict[str, Scores]:
    """Score the baselines alone, without a trained network."""
    evaluation, levels = settings.evaluation, np.array(REPORTED_LEVELS)
    models = make_baselines(
        evaluation.baselines, evaluation.horizon, settings.features, levels, settings.seed
    )
    m = evaluation.seasonal_period
    return {
        name: run_backtest(
            partial(model.fit(panel, fold.train_end).predict, panel), panel, fold, m
        ).scores()
        for name, model in models.items()
    }


def restock_costs(exchange: Exchange, outputs: Path) -> dict[str, float]:
    """Return the cost of restock's forecast and of its baselines."""
    panel, fold, baselines = exchange.panel, exchange.fold, exchange.settings.evaluation.baselines
    bundle = load_bundle(outputs / layout.BUNDLE)
    fitted = {
        name: model.fit(panel, fold.train_end)
        for name, model in baselines_beside(bundle.manifest, baselines).items()
    }
    return {
        name: cost(run_backtest(partial(model.predict, panel), panel, fold, 1))
        for name, model in {RESTOCK: bundle, **fitted}.items()
    }


def onnx_from_keras(exchange: Exchange, outputs: Path) -> float:
    """Return how far ONNX Runtime's answers are from Keras', at most.

    Answers are arcsinh(demand / scale): the difference is a share of the series' scale, or of the
    value itself where that is larger.
    """
    import keras

    from restock.forecasters.lstm.network import CUSTOM_OBJECTS

    bundle = load_bundle(outputs / layout.BUNDLE)
    model = keras.saving.load_model(
        bundle.folder / "model.keras", custom_objects=CUSTOM_OBJECTS, compile=False
    )
    network = bundle.network(exchange.panel)
    apart = 0.0
    for origins in exchange.fold.origins:
        for batch, _ in network.windows.prediction_batches(np.maximum(origins, 0)):
            inputs = batch.inputs()
            answer = np.asarray(model.predict_on_batch(inputs))
            apart = max(apart, float(np.abs(network.run(inputs) - answer).max()))
    return apart


def cost(backtest: Backtest) -> float:
    """Return the mean cost per series and period of stocking each period to its 90 % quantile.

    The newsvendor's stock, in whole units: what is left over costs 1 a unit, what is short 9, of
    which 90 % is the quantile that costs least.
    """
    points = backtest.points
    level = int(np.flatnonzero(np.isclose(points.levels, CRITICAL_RATIO))[0])
    # Before rounding up, what floating point left above a whole unit is taken away.
    stock = np.ceil(points.quantiles[:, :, level] - 1e-6)
    left = np.maximum(stock - points.actual, 0.0)
    short = np.maximum(points.actual - stock, 0.0)
    return float(np.nanmean(HOLDING * left + SHORTAGE * short))
