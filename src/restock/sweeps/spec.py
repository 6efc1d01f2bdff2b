"""A sweep as it was frozen at launch: its settings, its data and its code."""

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
from restock.settings.earlier import readable
from restock.settings.recipe import Recipe
from restock.settings.search import OptunaSettings, SearchSettings, TunerSettings
from restock.tracking.code import PACKAGE, needed_files

# Modules that decide what a trial measures. Other code may change before a sweep is resumed.
DECIDING = (
    "restock.sweeps.objective",
    "restock.sweeps.optuna.proposals",
    "restock.sweeps.keras_tuner",
    "restock.training.bundle",
)
S = TypeVar("S", bound=Frozen)


class Costs(CostSettings, View):
    """The part of ``inventory`` that the objective ``inventory_cost`` reads."""


class SearchRecipe(Recipe):
    """The part of a sweep's frozen configuration that its workers read."""

    search: SearchSettings
    """The search space, the tuner and the objectives."""
    inventory: Costs = Costs()
    """The cost of stock, for the objective ``inventory_cost``."""


class SweepMismatchError(ConfigError):
    """A sweep of this name exists, but it was launched with other settings, data or code."""


@dataclass(frozen=True)
class Sweep:
    """Everything that decides the trials of a sweep. Stored with its study; it never changes.

    Attributes:
        name: Name of the sweep and of its study.
        settings: The composed configuration, as plain data.
        points: For a grid of trainings, the changed settings of each trial, by path; else None.
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
        """Return what must be equal in two launches of the same sweep."""
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
        """Digest of everything that its trials depend on."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def view(self, kind: type[S], values: Mapping[str, Any] | None = None) -> S:
        """Return a view of the frozen configuration.

        Args:
            kind: Class of the view.
            values: Settings that a trial changes, by path.
        """
        return picked(kind, readable(self.config_with(values or {})), f"sweep {self.name}")

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
            SweepMismatchError: If it was. The message shows the difference.
        """
        if stored.digest == self.digest:
            return
        before, now = (
            json.dumps(sweep.identity(), indent=1, sort_keys=True).splitlines()
            for sweep in (stored, self)
        )
        lines = difflib.unified_diff(before, now, "stored", "this launch", lineterm="", n=1)
        raise SweepMismatchError(
            f"sweep {self.name} was launched with something else (see below). Choose another "
            "sweep.name, or leave it out to get a name that fits these settings. To continue the "
            f"stored sweep, run `restock resume {self.name}`.\n" + "\n".join(lines)
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
        name: Name of the sweep; None: that of its search and a digest of what it depends on.
        data: Digest of the panel.
        commit: Git revision.
        points: For a grid of whole trainings, the changed settings of each; else None.
    """
    sweep = Sweep("", masked(dict(config)), points, data, code_digest(), commit)
    prefix = config["search"]["name"] if points is None else "grid"
    return dataclasses.replace(sweep, name=name or f"{prefix}-{sweep.digest[:8]}")


def is_repeatable(search: SearchSettings, *, grid: bool, parallel: bool) -> bool:
    """Say whether a second run of a sweep would give the same proposals, prunings and losses.

    This is so if trials run one after the other: each knows the same history again. If trials
    run in parallel, it is so only if the tuner does not use the results of other trials. A
    measured latency is never the same again.

    Args:
        search: Settings of the search.
        grid: Whether it is a grid of whole trainings.
        parallel: Whether attempts overlapped in time.
    """
    if "latency" in search.objectives:
        return False
    return grid or not parallel or _is_blind(search.tuner)


def _is_blind(tuner: TunerSettings) -> bool:
    """Say whether a tuner proposes and prunes without the results of other trials."""
    blind = isinstance(tuner, OptunaSettings) and tuner.sampler in ("random", "grid")
    return blind and tuner.pruner == "none"


def code_digest() -> str:
    """Return the digest of the code that decides what a trial measures."""
    total = hashlib.sha256()
    for path in needed_files(DECIDING):
        total.update(str(path.relative_to(PACKAGE)).encode())
        total.update(path.read_bytes())
    return total.hexdigest()
