"""A sweep as it was frozen at launch: what it searches, on which data, by which code."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from restock.errors import ConfigError
from restock.settings.base import Frozen, View, masked, picked
from restock.settings.costs import CostSettings
from restock.settings.recipe import Recipe
from restock.settings.search import OptunaSettings, SearchSettings, TunerSettings
from restock.tracking.code import PACKAGE, needed_files

# Whose code decides what a trial measures. Other code may change while a sweep is resumed.
DECIDING = (
    "restock.sweeps.objective",
    "restock.sweeps.optuna.proposals",
    "restock.sweeps.keras_tuner",
    "restock.training.bundle",
)
S = TypeVar("S", bound=Frozen)


class Costs(CostSettings, View):
    """What of ``inventory`` a trial may be judged by."""


class SearchRecipe(Recipe):
    """What the workers of a sweep read of its frozen configuration."""

    search: SearchSettings
    """What is searched."""
    inventory: Costs = Costs()
    """What stock costs, for the objective ``inventory_cost``."""


class SweepMismatchError(ConfigError):
    """A sweep of that name exists, and was launched with something else."""


@dataclass(frozen=True)
class Sweep:
    """Everything that decides the trials of a sweep. Stored with its study; never changed.

    Attributes:
        name: Of the study.
        settings: The composed configuration, as plain data.
        points: For a grid, the changed settings of each trial, by path; else None.
        data: Digest of the panel.
        code: Digest of the code that a trial runs.
        commit: Git revision at launch.
    """

    name: str
    settings: dict[str, Any]
    points: tuple[dict[str, Any], ...] | None
    data: str
    code: str
    commit: str

    def identity(self) -> dict[str, Any]:
        """Return what two launches must agree on to be one sweep."""
        groups = ("features", "windows", "model", "training", "evaluation", "inventory")
        search = {
            name: value
            for name, value in self.settings["search"].items()
            if name not in ("num_trials", "max_identical_failures")
        }
        config = {name: self.settings[name] for name in groups} | {"search": search}
        config["seed"] = self.settings["seed"]
        return {"config": config, "points": self.points, "data": self.data, "code": self.code}

    @property
    def digest(self) -> str:
        """Identify the sweep by what its trials depend on."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def view(self, kind: type[S], values: Mapping[str, Any] | None = None) -> S:
        """Return what somebody reads of the frozen configuration.

        Args:
            kind: The view.
            values: Settings that a trial changes, by path.
        """
        return picked(kind, self.config_with(values or {}), f"sweep {self.name}")

    def config_with(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the frozen configuration with the settings that a trial changes."""
        config = copy.deepcopy(self.settings)
        for path, value in values.items():
            *groups, leaf = path.split(".")
            node = config
            for group in groups:
                node = node[group]
            node[leaf] = value
        return config

    def to_json(self) -> str:
        """Return text that :meth:`from_json` reads."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Sweep:
        """Read what :meth:`to_json` wrote."""
        content = json.loads(text)
        points = content.pop("points")
        return cls(**content, points=None if points is None else tuple(points))

    def check_same(self, stored: Sweep) -> None:
        """Refuse to join a sweep that was launched with something else.

        Raises:
            SweepMismatchError: With the difference.
        """
        if stored.digest == self.digest:
            return
        before, now = (
            json.dumps(sweep.identity(), indent=1, sort_keys=True).splitlines()
            for sweep in (stored, self)
        )
        lines = difflib.unified_diff(before, now, "stored", "this launch", lineterm="", n=1)
        raise SweepMismatchError(
            f"sweep {self.name} was launched with something else. Choose another sweep.name, leave "
            "it out (it is then named after what the sweep depends on), or `restock resume "
            f"{self.name}` to go on with what is stored.\n" + "\n".join(lines)
        )


def freeze(
    config: Mapping[str, Any],
    *,
    name: str | None,
    data: str,
    commit: str,
    points: tuple[dict[str, Any], ...] | None = None,
) -> Sweep:
    """Freeze a launch.

    Args:
        config: The whole composed configuration.
        name: Of the sweep; None: after its search and all that it depends on.
        data: Digest of the panel.
        commit: Git revision.
        points: For a grid of whole trainings, the changed settings of each.
    """
    sweep = Sweep("", masked(dict(config)), points, data, code_digest(), commit)
    prefix = config["search"]["name"] if points is None else "grid"
    return dataclasses.replace(sweep, name=name or f"{prefix}-{sweep.digest[:8]}")


def is_repeatable(search: SearchSettings, *, grid: bool, parallel: bool) -> bool:
    """Say whether a second run of a sweep would propose, prune and measure the same.

    One trial after the other sees the same history again. Trials side by side do only where
    nothing that is proposed or pruned depends on what others have told so far. A measured latency
    never repeats.

    Args:
        search: Of the sweep.
        grid: Whether it is a grid of whole trainings.
        parallel: Whether an attempt began before another had ended.
    """
    if "latency" in search.objectives:
        return False
    return grid or not parallel or _is_blind(search.tuner)


def _is_blind(tuner: TunerSettings) -> bool:
    """Say whether a tuner proposes and prunes without regard to other trials."""
    blind = isinstance(tuner, OptunaSettings) and tuner.sampler in ("random", "grid")
    return blind and tuner.pruner == "none"


def code_digest() -> str:
    """Identify the code that decides what a trial measures."""
    total = hashlib.sha256()
    for path in needed_files(DECIDING):
        total.update(str(path.relative_to(PACKAGE)).encode())
        total.update(path.read_bytes())
    return total.hexdigest()
