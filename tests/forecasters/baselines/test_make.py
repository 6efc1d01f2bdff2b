"""Which baselines stand in the report, by name."""

from __future__ import annotations

import numpy as np
import pytest

from restock.errors import ConfigError
from restock.forecasters.baselines.make import make_baselines
from restock.settings.baselines import BASELINES
from support.builders import HORIZON, LEVELS, baselines, features


def test_all_of_them_by_default_and_else_those_that_are_named() -> None:
    def names(**changed: object) -> list[str]:
        return list(make_baselines(baselines(**changed), HORIZON, features(), np.array(LEVELS), 0))

    assert names() == list(BASELINES)
    assert names(names=["theta", "naive"]) == ["theta", "naive"]


def test_an_unknown_or_repeated_name_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no baseline 'tetha'.*theta"):
        baselines(names=["tetha"])
    for names in ([], ["naive", "naive"]):
        with pytest.raises(ConfigError, match="at least one baseline, and each only once"):
            baselines(names=names)
