"""The verdict: every gate lets pass what it should, and says why where it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from restock.champions.verdict import Verdict, judge
from restock.settings.promotion import PromotionSettings
from support.losses import INPUTS, candidate, losses

SHAPE = (40, 3)
SPREAD = np.random.default_rng(0).uniform(0.8, 1.2, SHAPE)
SEGMENTS = {"volume": np.array(["A"] * 20 + ["B"] * 20)}


def decide(
    challenger: Any, champion: Any = None, baselines: Any = None, **settings: Any
) -> Verdict:
    return judge(
        challenger,
        champion,
        [losses("naive", 8 * SPREAD), losses("median", 5 * SPREAD)] if baselines is None
        else baselines,
        segments=SEGMENTS,
        settings=PromotionSettings.model_validate({"num_resamples": 200, **settings}),
        seed=0,
    )  # fmt: skip


def refused(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.passed]


def test_a_challenger_below_every_baseline_is_promoted() -> None:
    verdict = decide(candidate("lstm", 4 * SPREAD))
    assert verdict.promote
    assert "the best is median with 0.5" in verdict.reasons[0]
    assert {c.rival: round(c.saving, 3) for c in verdict.comparisons} == {
        "naive": 0.5, "median": 0.2,
    }  # fmt: skip


@pytest.mark.parametrize("loss", [5, 6])
def test_one_baseline_at_or_below_it_is_enough_to_refuse(loss: int) -> None:
    verdict = decide(candidate("lstm", loss * SPREAD))
    assert refused(verdict) == ["baselines"]
    assert verdict.reasons[0].startswith("median is not beaten: wql 0.5")


def test_a_champion_must_be_beaten_too() -> None:
    better, worse = candidate("lstm", 4 * SPREAD), candidate("own version 1", 4.5 * SPREAD)
    assert decide(better, worse).promote
    verdict = decide(worse, better)
    assert refused(verdict) == ["champion"]
    assert "is not beaten" in verdict.reasons[0]


def test_confidence_asks_for_more_than_being_ahead() -> None:
    noise = np.random.default_rng(1).normal(0, 2.0, SHAPE)
    challenger = candidate("lstm", np.clip(4 * SPREAD + noise, 0.1, None) * 0.99)
    champion = candidate("own version 1", np.clip(4 * SPREAD - noise, 0.1, None))
    ahead = challenger.losses.loss.sum() < champion.losses.loss.sum()
    first, second = (challenger, champion) if ahead else (champion, challenger)
    assert "champion" not in refused(decide(first, second))
    verdict = decide(first, second, confidence=0.99)
    assert "champion" in refused(verdict)
    assert "of resamples only" in next(c.said for c in verdict.checks if c.name == "champion")


def test_a_segment_that_loses_much_more_refuses() -> None:
    worse = 4 * SPREAD
    worse[20:] *= 1.6
    worse[:20] *= 0.2
    verdict = decide(candidate("lstm", worse), candidate("own version 1", 4 * SPREAD))
    assert refused(verdict) == ["segments"]
    assert "the loss in volume B is" in verdict.reasons[0]
    small = {"min_segment_share": 0.6}
    assert decide(candidate("lstm", worse), candidate("v", 4 * SPREAD), **small).promote


@pytest.mark.parametrize(
    ("gate", "changed", "settings"),
    [
        ("bias", {"error": np.full(SHAPE, -6.0)}, {}),
        ("coverage", {"inside_80": np.full(SHAPE, 2.0)}, {}),
        ("cost", {"cost": np.full(SHAPE, 2.0)}, {}),
        ("latency", {"latency": 3.0}, {"max_latency": 2.0}),
        ("size", {"size": 9_000_000}, {"max_size": 2.0}),
        ("signature", {"inputs": INPUTS | {"horizon": 8}}, {}),
    ],
)
def test_each_gate_refuses_what_is_beyond_it_and_names_itself(
    gate: str, changed: dict[str, Any], settings: dict[str, Any]
) -> None:
    champion = candidate("own version 1", 4.5 * SPREAD)
    assert decide(candidate("lstm", 4 * SPREAD), champion, **settings).promote
    verdict = decide(candidate("lstm", 4 * SPREAD, **changed), champion, **settings)
    assert refused(verdict) == [gate]


def test_a_new_signature_may_be_allowed() -> None:
    changed = candidate("lstm", 4 * SPREAD, inputs=INPUTS | {"horizon": 8})
    champion = candidate("own version 1", 4.5 * SPREAD)
    assert decide(changed, champion, allow_new_signature=True).promote


def test_null_opens_a_gate() -> None:
    biased = candidate("lstm", 4 * SPREAD, error=np.full(SHAPE, -9.0))
    assert not decide(biased).promote
    assert decide(biased, max_bias=None).promote


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_never_promoted(value: float) -> None:
    verdict = decide(candidate("lstm", np.full(SHAPE, value)))
    assert not verdict.promote
    assert "no finite score" in verdict.reasons[0]


def test_without_demand_or_baselines_nothing_is_promoted() -> None:
    empty = candidate("lstm", 0 * SPREAD, demand=np.zeros(SHAPE))
    assert "no demand in the test" in decide(empty).reasons[0]
    assert (
        "no baseline to compare with" in decide(candidate("lstm", SPREAD), baselines=[]).reasons[0]
    )
