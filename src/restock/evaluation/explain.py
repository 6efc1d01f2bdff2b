"""Which inputs change a forecast: over all series by permutation, for one series by replacement.

It uses a trained network; it must not know how one is trained.
Shapes: R rows (a series at one origin), H steps, Q levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from restock.errors import UserError, nearest
from restock.evaluation.metrics import pooled_wql
from restock.features.names import FLAGS, input_names
from restock.forecasters.assemble import PanelNetwork
from restock.forecasters.bundle import Bundle
from restock.forecasters.combine import Combination
from restock.forecasters.names import LSTM
from restock.seeding import generator
from restock.types.features import FeatureState
from restock.types.folds import Fold
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, FloatArray, IntArray
from restock.windows.sequences import PREDICTED_AT_ONCE, WindowBatch

ROWS = 600  # rows, evenly picked; enough to rank the inputs
ANCHORS = "anchors"


@dataclass(frozen=True)
class NetworkInput:
    """One named input of the network.

    Attributes:
        name: Name of the feature; ``anchors`` is the input for all simple forecasts together.
        array: The array of :class:`WindowBatch` that contains it.
        columns: Its columns on the last axis of that array.
    """

    name: str
    array: str
    columns: slice

    def replaced(self, batch: WindowBatch, values: FloatArray | IntArray) -> WindowBatch:
        """Return a batch with other values of this input. They are broadcast over the rows."""
        changed = getattr(batch, self.array).copy()
        changed[..., self.columns] = values
        return replace(batch, **{self.array: changed})

    def values(self, batch: WindowBatch) -> FloatArray | IntArray:
        """Return this input's values. Shape ``(R, ..., columns)``."""
        return getattr(batch, self.array)[..., self.columns]


def network_inputs(state: FeatureState) -> list[NetworkInput]:
    """Return every input of the network, the simple forecasts last."""
    named = [
        NetworkInput(name, array, slice(column, column + 1))
        for array, names in input_names(state).items()
        for column, name in enumerate(names)
    ]
    return [*named, NetworkInput(ANCHORS, "anchors", slice(None))]


@dataclass(frozen=True)
class Sample:
    """The inputs of the forecasts of some series, from one origin each, and the actuals.

    Attributes:
        rows: Row numbers of the series in the network's panel.
        panel: These series only.
        origins: Last known position of each.
        inputs: Inputs of the network.
        simple: The forecasts that are mixed with the network's.
        actual: Actual demand; NaN where unknown. Shape ``(R, H)``.
    """

    rows: IntArray
    panel: DemandPanel
    origins: IntArray
    inputs: WindowBatch
    simple: Mapping[str, DemandForecast]
    actual: FloatArray

    def forecast(
        self, answer: FloatArray, network: PanelNetwork, combination: Combination
    ) -> DemandForecast:
        """Turn the network's output ``(R, H, 2, Q or P)`` into the mixed, calibrated forecast."""
        own = network.in_units(answer, self.inputs.scale[:, 0], self.panel, self.origins)
        cold = self.panel.first_seen > self.origins
        return combination.apply({LSTM: own, **self.simple}, cold)


def sample(
    network: PanelNetwork,
    simple: Mapping[str, DemandForecast],
    rows: IntArray,
    origins: IntArray,
    last: IntArray | None = None,
) -> Sample:
    """Take some series, each at one origin.

    Args:
        network: The network and its panel.
        simple: Forecasts of these rows that are mixed with the network's.
        rows: Row numbers of the series, each at most once. Shape ``(R,)``.
        origins: Last known position of each. Shape ``(R,)``.
        last: Last position of each whose demand may be read; None: all may be. Shape ``(R,)``.
    """
    panel = network.panel.take(rows)
    actual = panel.actuals(origins, network.windows.horizon, last=last)
    inputs = network.windows.prediction_batch(rows, origins)
    return Sample(rows, panel, origins, inputs, simple, actual)


def importance(bundle: Bundle, panel: DemandPanel, fold: Fold) -> pd.DataFrame:
    """Measure how much each input improves a bundle's forecasts from a fold's origins.

    Returns:
        See :func:`permutation_importance`.
    """
    network = bundle.network(panel)
    samples = [
        sample(network, bundle.predict_others(panel.take(rows), origins), rows, origins, last)
        for rows, origins, last in picked_rows(fold)
    ]
    return permutation_importance(network, explained(bundle), samples, seed=bundle.manifest.seed)


def explain_series(
    bundle: Bundle, panel: DemandPanel, origins: IntArray, series_id: str
) -> pd.DataFrame:
    """Measure what each input adds to a bundle's forecast of one series.

    Args:
        bundle: The fitted bundle.
        panel: All series. The average input is an average over them.
        origins: Last known position of each. Shape ``(N,)``.
        series_id: Name of the series to explain.

    Returns:
        See :func:`series_effects`.

    Raises:
        UserError: If there is no such series. The message names similar ones.
    """
    found = np.flatnonzero(panel.series_id == series_id)
    if not found.size:
        raise UserError(f"no series {series_id!r}. {nearest(series_id, map(str, panel.series_id))}")
    network = bundle.network(panel)
    origin = origins[found]
    one = sample(network, bundle.predict_others(panel.take(found), origin), found, origin)
    many = np.linspace(0, panel.num_series - 1, min(ROWS, panel.num_series)).astype(int)
    typical = network.windows.prediction_batch(many, origins[many])
    return series_effects(network, explained(bundle), one, typical)


def explained(bundle: Bundle) -> Combination:
    """Return what is explained: the bundle's forecast, or the network's if it has no part in it."""
    if LSTM in bundle.combination.weights:
        return bundle.combination
    return Combination.plain(np.array(bundle.manifest.levels))


def picked_rows(fold: Fold) -> list[tuple[IntArray, IntArray, IntArray]]:
    """Return rows, origins and last targets for each origin: at most :data:`ROWS` in total."""
    most = max(ROWS // len(fold.origins), 1)
    picked = []
    for origins in fold.origins:
        rows = np.flatnonzero(origins >= 0)
        every = np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)
        if rows.size:
            kept = rows[every]
            picked.append((kept, origins[kept], fold.target_end[kept]))
    return picked


def permutation_importance(
    network: PanelNetwork,
    combination: Combination,
    samples: list[Sample],
    *,
    seed: int,
) -> pd.DataFrame:
    """Measure how much the loss grows, and how much forecasts change, without each input.

    An input is removed by giving each row the value of another, random row. Known-future inputs
    are also taken from another time in that row's history. This is because the calendar is the
    same for all series at an origin: a permutation at the same time would change nothing.

    Args:
        network: The network.
        combination: How its output is mixed and calibrated.
        samples: Rows with actuals.
        seed: Seed of the permutations. There is one permutation for each input.

    Returns:
        One row per input, the most important first: ``input``; ``wql_rise``, the increase of the
        weighted quantile loss; ``moves``, the mean absolute change of the median, divided by the
        scale of demand.

    Source:
        Breiman, Random Forests (2001); Fisher, Rudin and Dominici (2019).
    """
    pool = _joined([sample.inputs for sample in samples])
    medians, loss = _answer(network, combination, samples, pool)
    scale = pool.scale[:, :1]
    elsewhere = replace(pool, future=_other_times(network, samples, seed))
    rows = []
    for which in network_inputs(network.state):
        order = generator(seed, "permutation", which.name).permutation(len(scale))
        values = which.values(elsewhere)[order]
        if (values == which.values(pool)).all():  # a constant input
            rows.append((which.name, 0.0, 0.0))
            continue
        moved, worse = _answer(network, combination, samples, which.replaced(pool, values))
        rows.append((which.name, worse - loss, float(np.mean(np.abs(moved - medians) / scale))))
    table = pd.DataFrame(rows, columns=["input", "wql_rise", "moves"])
    return table.sort_values(["wql_rise", "input"], ascending=[False, True], ignore_index=True)


def series_effects(
    network: PanelNetwork, combination: Combination, sample: Sample, typical: WindowBatch
) -> pd.DataFrame:
    """Measure what each input adds to one series' median forecast, compared with its average value.

    One input at a time is replaced by an average: over the training rows (standardised inputs), or
    over the series at the same origin (flags, simple forecasts). A category is replaced by every
    category, and the forecasts are averaged by their shares of the series. Inputs are replaced one
    by one, not together: effects do not have to add up to the forecast.

    Args:
        network: The network.
        combination: How its output is mixed and calibrated.
        sample: One series at one origin.
        typical: Windows of many series at the same origin.

    Returns:
        One row per input, the strongest first: ``input``; ``effect``, the mean over the steps;
        ``step_1`` to ``step_H``. In units: positive if the input raises the forecast.
    """
    medians, _ = _answer(network, combination, [sample], sample.inputs)
    rows = []
    for which in network_inputs(network.state):
        without = np.zeros_like(medians)
        for values, share in _averages(which, typical):
            changed = which.replaced(sample.inputs, values)
            without += share * _answer(network, combination, [sample], changed)[0]
        effect = (medians - without)[0]
        rows.append((which.name, float(effect.mean()), *effect))
    steps = [f"step_{step}" for step in range(1, medians.shape[1] + 1)]
    table = pd.DataFrame(rows, columns=["input", "effect", *steps])
    strength = table[steps].abs().mean(axis=1)
    return table.iloc[np.argsort(-strength, kind="stable")].reset_index(drop=True)


def _averages(
    which: NetworkInput, typical: WindowBatch
) -> list[tuple[FloatArray | IntArray, float]]:
    """Return the values of an average input, each with its share."""
    values = which.values(typical)
    if which.array == "static_codes":
        codes, counts = np.unique(values, return_counts=True)
        return [(code, count / counts.sum()) for code, count in zip(codes, counts, strict=True)]
    if which.name == ANCHORS or (which.array == "past" and which.name in FLAGS):
        return [(values.mean(axis=0), 1.0)]
    return [(np.zeros(1), 1.0)]


def _answer(
    network: PanelNetwork, combination: Combination, samples: list[Sample], pool: WindowBatch
) -> tuple[FloatArray, float]:
    """Return the medians ``(R, H)`` of all samples and their loss. The pool has all their rows."""
    inputs = pool.inputs()
    count = len(pool.scale)
    parts = [
        network.run({name: values[at : at + PREDICTED_AT_ONCE] for name, values in inputs.items()})
        for at in range(0, count, PREDICTED_AT_ONCE)
    ]
    answer = np.concatenate([np.asarray(part, dtype=np.float64)[:, 0] for part in parts])
    ends = np.cumsum([len(sample.origins) for sample in samples])
    answers = np.split(answer, ends[:-1])
    forecasts = [
        sample.forecast(own, network, combination)
        for sample, own in zip(samples, answers, strict=True)
    ]
    quantiles = np.concatenate([forecast.quantiles for forecast in forecasts])
    actual = np.concatenate([sample.actual for sample in samples])
    medians = np.concatenate([forecast.point for forecast in forecasts])
    return medians, pooled_wql(actual, quantiles, network.levels)


def _other_times(network: PanelNetwork, samples: list[Sample], seed: int) -> FloatArray:
    """Return known-future features at a random earlier origin of each row. ``(R, 1, H, K)``."""
    parts = []
    for number, at in enumerate(samples):
        rng = generator(seed, "other times", number)
        first = np.minimum(network.windows.first[at.rows], at.origins)
        drawn = first + (rng.random(len(first)) * (at.origins - first + 1)).astype(int)
        parts.append(network.windows.prediction_batch(at.rows, drawn).future)
    return np.concatenate(parts)


def _joined(batches: list[WindowBatch]) -> WindowBatch:
    names = [field.name for field in fields(WindowBatch)]
    return WindowBatch(
        **{name: np.concatenate([getattr(batch, name) for batch in batches]) for name in names}
    )
