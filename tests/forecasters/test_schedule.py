"""The learning rate over gradient steps, and how many of them a panel gets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restock.forecasters.lstm.schedule import DECAY, LEAST, MOST, PER_STEP, Schedule, budget
from restock.settings.training import TrainingSettings
from support.builders import panel


@given(max_steps=st.integers(1, 3000))
def test_every_length_ends_annealed_after_a_steady_trunk(max_steps: int) -> None:
    schedule = Schedule.up_to(max_steps)
    assert list(schedule.lengths) == sorted(set(schedule.lengths))
    assert schedule.lengths[-1] == max_steps
    for length in schedule.lengths:
        rates = [schedule.rate(step, length) for step in range(length)]
        assert all(0 < rate <= 1 for rate in rates)
        assert schedule.branch(length) < length
        assert rates[-1] <= 1 / (length - schedule.branch(length)) + 1e-12
        falling = rates[schedule.branch(length) :]
        assert falling == sorted(falling, reverse=True) or length <= schedule.warm_up + 1
        trunk = rates[schedule.warm_up : schedule.branch(length)]
        assert set(trunk) <= {1.0}


def test_a_longer_branch_leaves_the_trunk_later_than_a_shorter_one() -> None:
    schedule = Schedule.up_to(800)
    assert schedule.lengths == (100, 200, 400, 800)
    branches = [schedule.branch(length) for length in schedule.lengths]
    assert branches == [70, 140, 280, 560]
    # By hand: the trunk to 560, and the branches of 30, 60, 120 and 240 steps.
    assert schedule.total(800) == 560 + 30 + 60 + 120 + 240
    assert schedule.total(400) == 280 + 30 + 60 + 120


def test_a_part_and_a_single_length_are_of_the_same_training() -> None:
    schedule = Schedule.up_to(800)
    assert schedule.part(1 / 3).lengths == (100, 200, 267)
    assert schedule.only(300).lengths == (300,)
    for other in (schedule.part(1 / 3), schedule.only(300)):
        assert other.warm_up == schedule.warm_up
        assert other.rate(50, 200) == schedule.rate(50, 200)


def test_the_budget_follows_the_known_periods_of_the_training() -> None:
    settings = TrainingSettings()

    def steps(num_series: int, num_steps: int, **changes: object) -> int:
        base = panel(num_series, num_steps, **changes)
        return budget(settings, base, np.full(num_series, num_steps - 1)).lengths[-1]

    assert steps(500, 200) == 100_000 // PER_STEP
    assert steps(3, 100) == LEAST
    assert steps(900, 700) == MOST
    demand = np.ones((500, 200))
    demand[:, :100] = np.nan  # not known
    assert steps(500, 200, demand=demand) == 50_000 // PER_STEP
    ends = np.full(500, 199)
    ends[350:] = -1  # some series take no part
    assert budget(settings, panel(500, 200), ends).lengths[-1] == 70_000 // PER_STEP
    assert budget(TrainingSettings(max_steps=7), panel(3, 50), np.full(3, 40)).lengths[-1] == 7


@pytest.mark.parametrize("length", [100, 800])
def test_the_rate_falls_over_a_share_of_the_length(length: int) -> None:
    schedule = Schedule.up_to(800)
    falling = [step for step in range(length) if schedule.rate(step, length) < 1]
    assert len([step for step in falling if step >= schedule.warm_up]) == DECAY * length - 1
