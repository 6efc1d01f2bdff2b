"""What sets the jobs of a grid apart, and nothing more, is a trial's values."""

from __future__ import annotations

from typing import Any

from restock.settings.tree import Settings
from restock.sweeps.grid import differences
from support.builders import settings


def configs(jobs: list[Settings]) -> list[dict[str, Any]]:
    return [job.model_dump(mode="json") for job in jobs]


def test_jobs_differ_by_the_settings_that_were_swept() -> None:
    jobs = [settings(model={"units": units}, training={"max_steps": 3}) for units in (4, 8)]
    assert differences(configs(jobs)) == ({"model.units": 4}, {"model.units": 8})


def test_a_group_with_other_settings_is_given_whole() -> None:
    tuners = [{"name": "optuna", "pruner": "none"}, {"name": "keras_tuner"}]
    points = differences(configs([settings(search={"tuner": tuner}) for tuner in tuners]))
    assert [set(point) for point in points] == [{"search"}, {"search"}]
    assert [point["search"]["tuner"]["name"] for point in points] == ["optuna", "keras_tuner"]
