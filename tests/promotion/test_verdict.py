"""The verdict: below every baseline, or not, with reasons."""

from __future__ import annotations

import math

import pytest

from restock.promotion.verdict import judge


def test_a_challenger_below_every_baseline_is_promoted() -> None:
    verdict = judge(0.4, {"naive": 0.8, "median": 0.5})
    assert verdict.promote
    assert verdict.margins["median"] == pytest.approx(0.2)
    assert "the best is median with 0.5000" in verdict.reasons[0]


@pytest.mark.parametrize("rival", [0.4, 0.39])
def test_one_baseline_at_or_below_it_is_enough_to_refuse(rival: float) -> None:
    verdict = judge(0.4, {"naive": 0.8, "median": rival})
    assert not verdict.promote
    assert verdict.reasons == (f"median is not beaten: wql {rival:.4f} against 0.4000",)


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_never_promoted(score: float) -> None:
    assert not judge(score, {"naive": 0.8}).promote
