"""A sweep as it was frozen at launch: what it searches, on which data, by which code."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import restock
from restock.errors import ConfigError
from restock.settings.tree import KerasTunerSettings, Settings, masked, parse_settings

# Whose code decides what a trial measures. The others may change while a sweep is resumed.
ROOMS = (
    "data", "types", "features", "windows", "forecasters", "evaluation", "decisions", "training",
    "sweeps",
)  # fmt: skip
FILES = ("settings/tree.py", "seeding.py", "stages/train.py")


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

    def parsed(self) -> Settings:
        """Return the settings as code sees them."""
        return parse_settings(self.settings, where=f"sweep {self.name}")

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
    settings: Settings,
    *,
    data: str,
    commit: str,
    points: tuple[dict[str, Any], ...] | None = None,
) -> Sweep:
    """Freeze a launch. Without ``sweep.name`` it is named after all that it depends on."""
    tree = masked(settings.model_dump(mode="json"))
    sweep = Sweep("", tree, points, data, code_digest(), commit)
    prefix = settings.search.name if points is None else "grid"
    name = settings.sweep.name or f"{prefix}-{sweep.digest[:8]}"
    return dataclasses.replace(sweep, name=name)


def is_repeatable(
    settings: Settings, points: tuple[dict[str, Any], ...] | None, *, parallel: bool
) -> bool:
    """Say whether a second run of the sweep would propose, prune and measure the same.

    One trial after the other sees the same history again. Trials side by side do only where
    nothing that is proposed or pruned depends on what others have told so far. A measured latency
    never repeats.
    """
    if "latency" in settings.search.objectives:
        return False
    tuner = settings.search.tuner
    if not parallel or points is not None:
        return True
    if isinstance(tuner, KerasTunerSettings):
        return False
    return tuner.sampler in ("random", "grid") and tuner.pruner == "none"


def code_digest() -> str:
    """Identify the code of the rooms that decide what a trial measures."""
    package = Path(restock.__file__).parent
    files = [package / name for name in FILES]
    files += [path for room in ROOMS for path in (package / room).rglob("*.py")]
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(str(path.relative_to(package)).encode())
        total.update(path.read_bytes())
    return total.hexdigest()
