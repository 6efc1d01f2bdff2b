"""Choose what forecasts: one model, a fixed blend of a few, or a learned mix of all.

A mix of several models is rarely far from the best of them, and the tuning folds are few. So the
mix stays unless something simpler is better beyond doubt.

Shapes: R rows (a series at one origin of a fold), H steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np

from restock.evaluation.bands import Rows, band_of_steps, step_losses
from restock.forecasters.combine import Combination
from restock.forecasters.names import BOOSTED_TREES, LSTM, MIX
from restock.settings.evaluation import LossName
from restock.training.combination import Rehearsal, learn_combination
from restock.types.forecast import DemandForecast
from restock.types.panel import FloatArray, IntArray

SURE = 0.9  # probability of being better with which something else replaces the mix
# Standard deviation, between two origins, of the difference of two losses, as a share of the loss.
# It is a prior, since a few folds say little of it. Measured: docs/decisions/0024-choice.md.
BETWEEN_ORIGINS = 0.04
PRIOR_FOLDS = 2  # degrees of freedom that the prior is worth
ENOUGH_SERIES = 10  # weights are learned on half of the series and scored on the others


@dataclass(frozen=True)
class Candidate:
    """Something that could make the forecasts.

    Attributes:
        name: A model, models that are joined by plus signs, or :data:`MIX`.
        weights: Weight of each model.
        loss: Loss on the tuning folds; weights and calibration were learned on
            other series or other folds.
        better: Probability that its loss is lower than that of the mix (or of what stands in its
            place) at another origin.
    """

    name: str
    weights: dict[str, float]
    loss: float
    better: float


@dataclass(frozen=True)
class Choice:
    """What forecasts, and what it was chosen from.

    Attributes:
        chosen: Name of the chosen candidate.
        by: The loss that decides.
        combination: How it forecasts.
        mix: The learned mix, whether it was chosen or not.
        candidates: All candidates, lowest loss first. Empty without tuning folds.
    """

    chosen: str
    by: LossName
    combination: Combination
    mix: Combination
    candidates: tuple[Candidate, ...] = ()

    @classmethod
    def only(cls, combination: Combination, by: LossName, name: str = LSTM) -> Choice:
        """Return the choice where there is nothing to choose from."""
        return cls(name, by, combination, combination)

    @property
    def loss(self) -> float | None:
        """Loss of the chosen one on the tuning folds; None if it is not known."""
        return next((c.loss for c in self.candidates if c.name == self.chosen), None)

    def record(self) -> dict[str, Any]:
        """Return plain data for the manifest; the chosen combination has a place of its own."""
        candidates = [asdict(candidate) for candidate in self.candidates]
        mix = asdict(self.mix)
        return {
            "chosen": self.chosen,
            "by": self.by,
            "mix": mix,
            "candidates": candidates,
            "why": self.why(),
        }

    def why(self) -> str:
        """Say in one line what was chosen, and how it stands to the next."""
        shares = ", ".join(
            f"{name} {weight:.0%}" for name, weight in self.combination.weights.items()
        )
        if not self.candidates:
            return f"{self.chosen} forecasts: {shares}"
        others = [c for c in self.candidates if c.name != self.chosen]
        said = f"{self.chosen} ({shares}) was chosen: {self.by} {self.loss:.4f} on the tuning folds"
        if not others or self.loss is None:
            return said
        own = next(c.better for c in self.candidates if c.name == self.chosen)
        sure = own if own >= SURE else 1 - others[0].better  # it has replaced the mix, or stayed
        return (
            f"{said}; next is {others[0].name} at {others[0].loss:.4f}; "
            f"better with a probability of {sure:.0%}"
        )


def choose(rehearsals: Sequence[Rehearsal]) -> Choice:
    """Learn the mix, score all candidates on the tuning folds, and choose.

    Args:
        rehearsals: The forecasts of all models on each tuning fold, at least one.
    """
    mix = learn_combination(rehearsals)
    weights = {name: {name: 1.0} for name in rehearsals[0].forecasts}
    losses = {
        name: _losses(rehearsals, [one.forecasts[name] for one in rehearsals]) for name in weights
    }
    incumbent = LSTM
    for blend in _blends({name: float(rows.sum()) for name, rows in losses.items()}):
        name = " + ".join(blend)
        weights[name] = dict.fromkeys(blend, 1 / len(blend))
        losses[name] = _held_out(rehearsals, partial(learn_combination, weights=weights[name]))
        incumbent = name
    if _can_hold_out(rehearsals):
        incumbent, weights[MIX] = MIX, mix.weights
        losses[MIX] = _held_out(rehearsals, learn_combination)
    doubt = _Doubt.of(rehearsals)
    candidates = sorted(
        (
            Candidate(name, weights[name], float(rows.sum()), doubt.better(rows, losses[incumbent]))
            for name, rows in losses.items()
        ),
        key=lambda candidate: candidate.loss,
    )
    sure = [candidate.name for candidate in candidates if candidate.better >= SURE]
    chosen = sure[0] if sure else incumbent
    combination = _combination(chosen, weights[chosen], mix, rehearsals)
    return Choice(chosen, rehearsals[0].rows.loss, combination, mix, tuple(candidates))


def _blends(losses: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Return models to mix in equal parts: two or all of network, trees and best other model."""
    others = [name for name in losses if name not in {LSTM, BOOSTED_TREES}]
    families = [name for name in (LSTM, BOOSTED_TREES) if name in losses]
    families += [min(others, key=losses.__getitem__)] if others else []
    return [blend for size in range(2, len(families) + 1) for blend in combinations(families, size)]


def _combination(
    chosen: str, weights: dict[str, float], mix: Combination, rehearsals: Sequence[Rehearsal]
) -> Combination:
    if chosen == MIX:
        return mix
    if len(weights) == 1:
        return Combination.plain(np.asarray(rehearsals[0].forecasts[LSTM].levels), chosen)
    return learn_combination(rehearsals, weights)


def _can_hold_out(rehearsals: Sequence[Rehearsal]) -> bool:
    return len(rehearsals) > 1 or len(np.unique(rehearsals[0].series)) >= ENOUGH_SERIES


def _held_out(
    rehearsals: Sequence[Rehearsal], learn: Callable[[Sequence[Rehearsal]], Combination]
) -> FloatArray:
    """Return the losses of combinations that were learned on other rows; see :func:`_losses`.

    The other rows are those of other series, or of other folds where there are few series. With a
    single fold of few series there are none: then they are the same rows.
    """
    parts = _parts(rehearsals)
    losses = np.empty(sum(len(one.rows.actual) for one in rehearsals))
    for number in range(max(int(part.max()) for part in parts) + 1):
        rest = [
            one.take(np.flatnonzero(part != number))
            for one, part in zip(rehearsals, parts, strict=True)
        ]
        combination = learn([one for one in rest if len(one.rows.actual)] or rehearsals)
        made = [combination.apply(one.forecasts) for one in rehearsals]
        here = np.concatenate(parts) == number
        losses[here] = _losses(rehearsals, made)[here]
    return losses


def _parts(rehearsals: Sequence[Rehearsal]) -> list[IntArray]:
    """Return the part that each row of each rehearsal is in; each is scored by the other parts."""
    if len(np.unique(rehearsals[0].series)) >= ENOUGH_SERIES:
        return [one.series % 2 for one in rehearsals]
    return [np.full(len(one.rows.actual), fold) for fold, one in enumerate(rehearsals)]


def _losses(rehearsals: Sequence[Rehearsal], made: Sequence[DemandForecast]) -> FloatArray:
    """Return what each row adds to the loss on the tuning folds; see :func:`bands.loss_of`.

    Args:
        rehearsals: With the actual demand of the rows.
        made: A forecast of the rows of each.

    Returns:
        Shape ``(R,)``; the sum is the loss.
    """
    rows = Rows.stacked([one.rows for one in rehearsals])
    parts = zip(made, rehearsals, strict=True)
    losses = np.concatenate([step_losses(forecast, one.rows.actual) for forecast, one in parts])
    bands = band_of_steps(rows.actual.shape[1])
    base = np.bincount(bands, rows.base.sum(axis=0))
    counted = np.bincount(bands) * (base > 0)
    of_band = counted / (np.maximum(base, 1e-12) * max(counted.sum(), 1))
    return np.nan_to_num(losses * rows.weight[:, None]) @ of_band[bands]


@dataclass(frozen=True)
class _Doubt:
    """How sure a difference of two losses is.

    Attributes:
        fold: Number of each row's fold. Shape ``(R,)``.
        series: Number of each row's series. Shape ``(R,)``.
    """

    fold: IntArray
    series: IntArray

    @classmethod
    def of(cls, rehearsals: Sequence[Rehearsal]) -> _Doubt:
        folds = [np.full(len(one.rows.actual), number) for number, one in enumerate(rehearsals)]
        return cls(np.concatenate(folds), np.concatenate([one.series for one in rehearsals]))

    def better(self, losses: FloatArray, than: FloatArray) -> float:
        """Return the probability that one thing's loss is lower than another's elsewhere.

        Series and origins both vary. Few folds say little of how much origins do, so that a prior
        is joined with what they say.
        """
        gain = than - losses
        varies = _variance(np.bincount(self.series, gain)[np.unique(self.series)])
        num_folds = int(self.fold.max()) + 1
        prior = (BETWEEN_ORIGINS * float(than.sum())) ** 2 / num_folds
        found = _variance(np.bincount(self.fold, gain))
        varies += (PRIOR_FOLDS * prior + (num_folds - 1) * found) / (PRIOR_FOLDS + num_folds - 1)
        return NormalDist().cdf(float(gain.sum()) / max(float(np.sqrt(varies)), 1e-12))


def _variance(parts: np.ndarray) -> float:
    """Return the variance of a sum of parts that vary independently."""
    return float(len(parts) * parts.var(ddof=1)) if len(parts) > 1 else 0.0
