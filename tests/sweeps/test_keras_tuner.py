"""Keras Tuner's oracles in our study: the same space, the same truth, its budget honoured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restock.errors import ConfigError
from restock.settings.search import Dimension
from restock.sweeps.keras_tuner import Past, propose
from restock.sweeps.queue import Claim, SweepError
from restock.training.outcome import Outcome
from support.cheap_sweep import SPACE, bowl, measured
from support.studies import launched, worked

DIMENSIONS = {name: Dimension.model_validate(value) for name, value in SPACE.items()}


def inside(values: dict[str, Any]) -> bool:
    stepped = abs(values["dropout"] * 10 - round(values["dropout"] * 10)) < 1e-9
    return 4 <= values["units"] <= 64 and stepped and values["size"] in (32, 64)


def done(slot: int, units: int, known: tuple[int, ...] | None = ()) -> Past:
    values = {"units": units, "dropout": 0.1, "size": 32}
    return Past(slot, values, "complete", abs(units - 40) / 40, known)


@pytest.mark.parametrize("oracle", ["random", "bayesian"])
def test_a_proposal_depends_on_seed_slot_and_history_alone(oracle: Any) -> None:
    history = [done(slot, 5 + 4 * slot) for slot in range(10)]
    options: dict[str, Any] = {"slot": 10, "seed": 1}
    first = propose(oracle, DIMENSIONS, history, **options)
    assert inside(first.values)
    assert propose(oracle, DIMENSIONS, history, **options) == first
    # Two seeds may lead a search to the same place, but not all of them.
    others = [propose(oracle, DIMENSIONS, history, **{**options, "seed": s}) for s in range(2, 8)]
    assert any(other != first for other in others)


def test_bayes_learns_from_what_is_told() -> None:
    history = [done(slot, 5 + 4 * slot) for slot in range(14)]
    found = propose("bayesian", DIMENSIONS, history, slot=14, seed=1)
    assert 25 <= found.values["units"] <= 55  # the bowl's bottom is at 40


def test_a_space_that_is_used_up_is_said() -> None:
    space = {"units": Dimension(path="model.units", kind="int", low=1, high=2)}
    history = [Past(s, {"units": s + 1}, "complete", 1.0, ()) for s in range(2)]
    with pytest.raises(SweepError, match=r"nothing new to propose after 2 trials"):
        propose("random", space, history, slot=2, seed=1)


@pytest.mark.parametrize("oracle", ["random", "bayesian", "hyperband"])
def test_a_sweep_by_keras_tuner_is_repeatable(oracle: str, tmp_path: Path) -> None:
    def swept(name: str) -> list[Any]:
        tuner = {"name": "keras_tuner", "oracle": oracle}
        hold = launched(f"sqlite:///{tmp_path / name}.db", 6, tuner=tuner)
        worked(hold)
        return [trial.values for trial in hold.result().trials]

    assert swept("a") == swept("b")
    assert swept("a")[0]["model.units"] == 20  # the configured values come first


def test_hyperband_sets_shares_of_the_budget_and_goes_on_with_the_best(tmp_path: Path) -> None:
    claims: list[Claim] = []

    def run(claim: Claim, report: Any, _: object) -> Outcome:
        claims.append(claim)
        loss = bowl(claim.values, round(9 * (claim.share or 1)) - 1)
        return Outcome.of([measured(0, 1, loss)])

    tuner = {"name": "keras_tuner", "oracle": "hyperband"}
    hold = launched(f"sqlite:///{tmp_path / 'a.db'}", 20, tuner=tuner)
    worked(hold, run)
    assert claims[0].share is None  # the configured values are no part of a bracket
    first_round = [claim for claim in claims[1:] if claim.share == 1 / 9]
    assert len(first_round) == 9
    promoted = [claim for claim in claims if claim.resumes is not None]
    assert promoted
    by_slot = {trial.number: trial for trial in hold.result().trials}
    for claim in promoted:
        before = next(c for c in claims if c.slot == claim.resumes)
        assert claim.values == before.values
        assert (before.share or 0) < (claim.share or 0)
    kept = {claim.resumes for claim in promoted if claim.share == 3 / 9}
    losses = sorted((by_slot[c.slot].scores[0], c.slot) for c in first_round)
    assert kept <= {slot for _, slot in losses[:4]}


def test_a_killed_hyperband_proposes_what_an_unbroken_one_does(tmp_path: Path) -> None:
    tuner = {"name": "keras_tuner", "oracle": "hyperband"}
    options: dict[str, Any] = {"tuner": tuner}
    whole = launched(f"sqlite:///{tmp_path / 'a.db'}", 14, **options)
    worked(whole)
    broken = launched(f"sqlite:///{tmp_path / 'b.db'}", 14, **options)
    for _ in range(3):
        assert broken.claim("dead") is not None
        broken.bury("dead")
    worked(broken)
    assert [t.values for t in broken.result().trials] == [t.values for t in whole.result().trials]


def test_several_objectives_are_refused(tmp_path: Path) -> None:
    tuner = {"name": "keras_tuner", "oracle": "random"}
    with pytest.raises(ConfigError, match="Keras Tuner takes one objective"):
        launched(f"sqlite:///{tmp_path / 'a.db'}", 2, tuner=tuner, objectives=["loss", "size"])
