"""Decide whether a challenger becomes champion, by losses on the same test, with reasons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from restock.champions.comparison import Comparison, compare
from restock.champions.losses import Losses
from restock.settings.promotion import PromotionSettings


@dataclass(frozen=True)
class Candidate:
    """The challenger or the champion, with all that is compared.

    Attributes:
        bundle: Digest of its bundle.
        losses: Losses on the test folds.
        latency: Milliseconds to forecast one series.
        size: Size of the bundle, in bytes.
        inputs: Its signature: frequency, horizon, levels, columns by role.
    """

    bundle: str
    losses: Losses
    latency: float
    size: int
    inputs: Mapping[str, Any]

    def scores(self) -> dict[str, float]:
        """Return the scores over all series, with latency and size (in megabytes)."""
        return self.losses.scores() | {"latency": self.latency, "size": self.size / 1e6}


@dataclass(frozen=True)
class Check:
    """The result of one gate: its name, whether the challenger passed, and why."""

    name: str
    passed: bool
    said: str


@dataclass(frozen=True)
class Verdict:
    """A decision and why.

    Attributes:
        promote: Whether every gate was passed.
        checks: Results of the gates.
        comparisons: The challenger against the champion, if there is one, and each baseline.
        segments: The challenger in each segment against the champion, or against the best baseline
            if there is no champion; by kind and name of the segment.
    """

    promote: bool
    checks: tuple[Check, ...]
    comparisons: tuple[Comparison, ...]
    segments: Mapping[str, Mapping[str, Comparison]]

    def __post_init__(self) -> None:
        """Refuse a decision without a reason."""
        assert self.checks
        assert self.promote == all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why: the gates that were not passed, or else the rivals that were beaten."""
        refused = tuple(check.said for check in self.checks if not check.passed)
        return refused or tuple(c.said for c in self.checks if c.name in ("baselines", "champion"))


def judge(
    challenger: Candidate,
    champion: Candidate | None,
    baselines: Sequence[Losses],
    *,
    segments: Mapping[str, np.ndarray],
    settings: PromotionSettings,
    seed: int,
) -> Verdict:
    """Compare a challenger with the champion and every baseline, and check all gates.

    Args:
        challenger: The challenger.
        champion: The champion; None: there is none yet.
        baselines: Losses of the baselines, on the same folds.
        segments: Segment of each series, by kind of segment; in the order of the losses' series.
        settings: The gates.
        seed: Seed of the resampling.
    """
    ours = challenger.losses
    unscored = _unscored(challenger, baselines)
    if unscored:
        return Verdict(False, (Check("scored", False, unscored),), (), {})
    draws = {"num_resamples": settings.num_resamples, "seed": seed}
    against = [compare(ours, baseline, **draws) for baseline in baselines]
    checks = [_baselines_check(ours, baselines, against, settings.confidence)]
    reference = min(baselines, key=lambda baseline: baseline.loss.sum())
    if champion is not None:
        reference = champion.losses
        beside = compare(ours, reference, **draws)
        against.insert(0, beside)
        checks.append(_champion_check(ours, reference, beside, settings.confidence))
    by_segment = _by_segment(ours, reference, segments, settings, draws)
    if champion is not None:
        checks += _beside_champion(challenger, champion, settings)
        checks.append(_segments_check(by_segment, settings.max_segment_increase))
    checks += _limits(challenger, settings)
    promote = all(check.passed for check in checks)
    return Verdict(promote, tuple(checks), tuple(against), by_segment)


def _unscored(challenger: Candidate, baselines: Sequence[Losses]) -> str | None:
    if not baselines:
        return "the report has no baseline to compare with: set evaluation.baselines.names"
    if not challenger.losses.demand.sum() > 0:
        return "nothing could be scored: there is no demand in the test"
    if not math.isfinite(challenger.losses.loss.sum()):
        return "the challenger has no finite score on the test folds"
    return None


def _baselines_check(
    ours: Losses, baselines: Sequence[Losses], against: Sequence[Comparison], confidence: float
) -> Check:
    wql = ours.scores()["wql"]
    pairs = sorted(zip(baselines, against, strict=True), key=lambda pair: pair[0].loss.sum())
    ahead = [(b, c) for b, c in pairs if not _wins(c, confidence)]
    if ahead:
        said = "; ".join(
            f"{b.name} is not beaten: wql {b.scores()['wql']:.4f} against {wql:.4f}"
            + _doubt(c, confidence)
            for b, c in ahead
        )
        return Check("baselines", False, said)
    best, margin = pairs[0]
    return Check(
        "baselines",
        True,
        f"wql {wql:.4f} on the test folds, below every baseline; the best is {best.name} with "
        f"{best.scores()['wql']:.4f} ({_range(margin)})",
    )


def _champion_check(ours: Losses, champion: Losses, beside: Comparison, confidence: float) -> Check:
    wqls = f"wql {ours.scores()['wql']:.4f} against {champion.scores()['wql']:.4f}"
    if _wins(beside, confidence):
        return Check("champion", True, f"better than {champion.name}: {wqls} ({_range(beside)})")
    doubt = _doubt(beside, confidence)
    return Check("champion", False, f"{champion.name} is not beaten: {wqls}{doubt}")


def _wins(comparison: Comparison, confidence: float) -> bool:
    return comparison.saving > 0 and comparison.won >= confidence


def _doubt(comparison: Comparison, confidence: float) -> str:
    """Say in how many resamples it won, if it is ahead but not in enough of them."""
    if comparison.saving <= 0:
        return ""
    return f", ahead in {comparison.won:.0%} of resamples only (promotion.confidence={confidence})"


def _range(comparison: Comparison) -> str:
    return (
        f"{comparison.saving:.1%} saved, {comparison.low:.1%} to {comparison.high:.1%} with 90 % "
        f"confidence, won in {comparison.won:.0%}"
    )


def _by_segment(
    ours: Losses,
    reference: Losses,
    segments: Mapping[str, np.ndarray],
    settings: PromotionSettings,
    draws: Mapping[str, int],
) -> dict[str, dict[str, Comparison]]:
    """Compare within each segment that has enough of the demand."""
    least = settings.min_segment_share * ours.demand.sum()
    found: dict[str, dict[str, Comparison]] = {}
    for kind, labels in segments.items():
        for label in np.unique(labels.astype(str)):
            rows = labels.astype(str) == label
            if ours.demand[rows].sum() >= least:
                compared = compare(ours.select(rows), reference.select(rows), **draws)
                found.setdefault(kind, {})[str(label)] = compared
    return found


def _segments_check(
    by_segment: Mapping[str, Mapping[str, Comparison]], limit: float | None
) -> Check:
    worse = [
        f"the loss in {kind} {label} is {-found.saving:.1%} above the champion's"
        for kind, labels in by_segment.items()
        for label, found in labels.items()
        if limit is not None and -found.saving > limit
    ]
    if worse:
        said = "; ".join(worse) + f" (promotion.max_segment_increase={limit})"
        return Check("segments", False, said)
    return Check("segments", True, "in no segment is the loss much above the champion's")


def _beside_champion(
    challenger: Candidate, champion: Candidate, settings: PromotionSettings
) -> Iterator[Check]:
    changed = [k for k, v in challenger.inputs.items() if champion.inputs.get(k) != v]
    allowed = settings.allow_new_signature
    said = "the same columns, frequency, horizon and levels as the champion"
    if changed:
        hint = "" if allowed else "; promotion.allow_new_signature=true allows this"
        said = f"{', '.join(changed)} differ from the champion's{hint}"
    yield Check("signature", allowed or not changed, said)
    ours, theirs = (c.scores()["inventory_cost"] for c in (challenger, champion))
    limit = settings.max_cost_increase
    if limit is not None and math.isfinite(ours) and theirs > 0:
        rise = ours / theirs - 1
        said = f"inventory cost {ours:.4f} per unit of demand, the champion's {theirs:.4f}"
        yield Check("cost", rise <= limit, f"{said} ({rise:+.1%}, at most {limit:+.0%})")


def _limits(challenger: Candidate, settings: PromotionSettings) -> Iterator[Check]:
    scores = challenger.scores()
    limits: dict[str, tuple[float, float | None, str]] = {
        "bias": (abs(scores["bias"]), settings.max_bias, "of demand, up or down"),
        "latency": (scores["latency"], settings.max_latency, "ms per series"),
        "size": (scores["size"], settings.max_size, "MB"),
    }
    for name, (value, limit, unit) in limits.items():
        if limit is not None:
            yield Check(name, value <= limit, f"{name} {value:.3g} {unit} (at most {limit:g})")
    if settings.coverage_80 is not None:
        low, high = settings.coverage_80
        share = scores["coverage_80"]
        said = f"{share:.1%} of points in the 80 % interval ({low:.0%} to {high:.0%} allowed)"
        yield Check("coverage", low <= share <= high, said)
