"""The whole configuration. Only the command line imports it; all other code uses views."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field

from restock.errors import ConfigError, nearest
from restock.settings.base import Frozen, checked, paths
from restock.settings.data import DataSettings
from restock.settings.earlier import MOVED
from restock.settings.engine import EngineSettings
from restock.settings.evaluation import EvaluationSettings
from restock.settings.features import FeatureSettings
from restock.settings.inventory import InventorySettings
from restock.settings.model import ModelSettings
from restock.settings.promotion import PromotionSettings
from restock.settings.recipe import suited
from restock.settings.search import SearchSettings
from restock.settings.selection import SelectionSettings
from restock.settings.sweep import SweepSettings
from restock.settings.tracking import TrackingSettings
from restock.settings.training import TrainingSettings
from restock.settings.windows import WindowSettings


class Settings(Frozen):
    """The whole composed configuration."""

    data: DataSettings
    """Which table, what its columns mean and how it is cleaned."""
    features: FeatureSettings
    """The model's inputs besides the demand itself."""
    windows: WindowSettings
    """How much history one sequence holds."""
    model: ModelSettings
    """The network."""
    training: TrainingSettings
    """How the network is fitted."""
    search: SearchSettings
    """What the tuner may change."""
    evaluation: EvaluationSettings
    """Which periods are used to test and to tune, and the baselines."""
    inventory: InventorySettings
    """Lead time, service level and costs."""
    promotion: PromotionSettings = PromotionSettings()
    """What a challenger must show to become champion."""
    selection: SelectionSettings = SelectionSettings()
    """How `restock select` drops features."""
    tracking: TrackingSettings
    """Where runs are logged."""
    engine: EngineSettings
    """Workers and threads, and where a sweep is stored."""
    sweep: SweepSettings = SweepSettings()
    """The name of a sweep."""
    output_dir: str = "outputs"
    """Folder that every step reads from and writes to."""
    seed: Annotated[int, Field(ge=0)] = 42
    """Seed of all random numbers."""


def hint(path: str) -> str:
    """Say which setting may be meant by an unknown path."""
    if path in MOVED:
        return MOVED[path]
    return nearest(path, paths(Settings))


def parse_settings(tree: dict[str, Any], *, where: str) -> Settings:
    """Check a plain mapping and freeze it.

    Args:
        tree: The composed configuration.
        where: Where the mapping comes from, for error messages, such as ``params.yaml``.

    Raises:
        ConfigError: If a key is unknown, missing or has a wrong value. The message names each of
            them, with what was expected or the nearest known key.
    """
    data = tree.get("data")
    if isinstance(data, dict):
        tree = suited(tree, str(data.get("frequency", "")))
    return checked(Settings, tree, where, hint)


def load_params(path: Path) -> Settings:
    """Read and check params.yaml. A DVC stage uses it as it is; nothing is composed.

    Raises:
        ConfigError: If the file is missing, is not YAML or holds a setting that cannot be used.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file. Write it with `restock params`.")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: this is not valid YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, got {type(tree).__name__}.")
    return parse_settings(tree, where=str(path))
