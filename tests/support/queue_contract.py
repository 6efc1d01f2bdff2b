"""What a queue promises in whichever database it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from restock.sweeps.queue import Claim, Fenced
from restock.sweeps.results import Trial
from restock.training.outcome import Outcome
from support.cheap_sweep import SPACE, measured
from support.studies import CONFIGURED, joined, launched, measure, worked


class QueueContract:
    """Tests of a queue in an empty database, whose URL is the fixture ``url``."""

    def test_the_configured_values_are_the_first_trial(self, url: str) -> None:
        queue = launched(url)
        worked(queue)
        result = queue.result()
        assert result.trials[0].values == CONFIGURED
        assert [trial.number for trial in result.trials] == [0, 1, 2, 3, 4, 5]
        assert result.best.scores[0] == min(t.scores[0] for t in result.trials if t.scores)

    def test_trials_side_by_side_are_seen_as_parallel(self, url: str) -> None:
        queue = launched(url, 4)
        first = queue.claim("one")
        assert first is not None
        queue.release(first)  # ended before the next began
        worked(queue)
        assert not queue.opened.snapshot().parallel
        more = launched(url, 6)
        held = [more.claim(name) for name in ("one", "two")]
        assert all(held)
        assert more.opened.snapshot().parallel

    def test_a_dead_workers_trial_goes_to_another(self, url: str) -> None:
        queue = launched(url, 2)
        claim = queue.claim("dead")
        assert claim is not None
        assert queue.bury("dead") == [claim.number]
        worked(queue)
        again = [a for a in queue.opened.attempts() if a.user_attrs.get("retries") == claim.number]
        assert len(again) == 1
        assert {k: again[0].params[k] for k in SPACE} == {
            "units": 20, "dropout": 0.1, "size": 64,
        }  # fmt: skip
        assert len(queue.result().trials) == 2

    def test_a_zombies_result_is_refused(self, url: str) -> None:
        queue = launched(url, 1)
        claim = queue.claim("zombie")
        assert claim is not None
        with queue.alive(claim):
            other = joined(url, queue)
            other.bury("zombie")
            worked(other)
            with pytest.raises(Fenced):
                queue.report(claim, measured(0, 1, 0.0))
            best = Outcome.of([measured(0, 1, -1.0)])
            with pytest.raises(Fenced):
                queue.tell(claim, Trial(0, claim.values, "complete", best))
        assert other.result().best.scores[0] > 0

    def test_a_trial_given_back_is_no_failure(self, url: str) -> None:
        queue = launched(url, 1, engine={"max_retries": 0})
        for _ in range(3):
            claim = queue.claim("w")
            assert claim is not None
            with queue.alive(claim):
                queue.release(claim)
        worked(queue)
        assert queue.result().best.number == 0

    def test_a_trial_that_kills_its_workers_is_given_up(self, url: str) -> None:
        queue = launched(url, 2, engine={"max_retries": 1})
        for _ in range(2):
            assert queue.claim("dead") is not None
            queue.bury("dead")
        worked(queue)
        failed = queue.result().trials[0]
        assert failed.error == "its worker died 2 times (engine.max_retries=1)"

    def test_a_silent_worker_is_given_up_after_the_grace(self, url: str) -> None:
        queue = launched(url, 1, engine={"heartbeat": 1, "grace": 2})
        claim = queue.claim("silent")  # and never beats
        assert claim is not None
        assert not queue.is_done()
        worked(queue)  # waits, takes it over
        assert len(queue.opened.attempts()) == 2
        assert queue.result().best.number == 0

    def test_several_processes_never_start_a_trial_too_many(self, url: str) -> None:
        one = launched(url, 20)
        two = joined(url, one)
        claims = []
        for queue in (one, two) * 12:
            claim = queue.claim("w")
            if claim is not None:
                claims.append(claim)
        assert sorted(claim.slot for claim in claims) == list(range(20))
        assert len({claim.number for claim in claims}) == 20

    def test_more_trials_continue_the_same_sweep(self, url: str) -> None:
        first = launched(url, 3)
        worked(first)
        before = first.result().trials
        second = launched(url, 5)
        worked(second)
        assert second.result().trials[:3] == before
        assert len(second.result().trials) == 5

    def test_stop_reaches_every_worker_and_resuming_takes_it_back(self, url: str) -> None:
        queue = launched(url, 4)

        def stopping(claim: Claim, report: Any, _: object) -> Outcome:
            if claim.slot == 1:
                queue.opened.stop("asked")
            return measure(claim, report)

        worked(queue, stopping)
        assert not queue.is_done()
        assert queue.stopped() == "asked"
        worked(launched(url, 4))
        assert len(queue.result().trials) == 4

    def test_a_killed_sweep_repeats_an_unbroken_one(self, url: str) -> None:
        """Proposals depend on seed, slot and what was told: a break changes none of them."""
        tuner = {"name": "optuna", "num_startup_trials": 3}
        whole = launched(url, 6, tuner=tuner)
        worked(whole)
        broken = launched(url, 6, tuner=tuner, name="other")
        for _ in range(5):
            claim = broken.claim("w")
            assert claim is not None
            with broken.alive(claim):
                outcome = measure(claim, lambda found, c=claim: broken.report(c, found))  # type: ignore[misc]
                broken.tell(claim, Trial(claim.slot, claim.values, "complete", outcome))
        fresh = joined(url, broken)
        worked(fresh)
        assert [t.values for t in fresh.result().trials[:5]] == [
            t.values for t in whole.result().trials[:5]
        ]
