"""What sets the jobs of a grid apart, and nothing more, is a trial's values."""

from __future__ import annotations

from typing import Any

import pytest

from restock.errors import ConfigError
from restock.settings.tree import Settings
from restock.sweeps.grid import check_read, differences
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


def test_what_no_training_reads_makes_no_jobs() -> None:
    jobs = [settings(data={"missing": missing}) for missing in ("mask", "zero")]
    with pytest.raises(ConfigError, match=r"data\.missing is not read by `train`"):
        check_read(differences(configs(jobs)))
    check_read(differences(configs([settings(model={"units": units}) for units in (4, 8)])))
    check_read(differences(configs([settings(features={"lags": [lag]}) for lag in (1, 2)])))
