"""The store: the registry with its versions, and the history of the champion."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restock.champions.card import CARD
from restock.champions.history import History, promotion_lock
from restock.champions.moves import mirror_of
from restock.champions.registry import ModelVersion, Registry
from restock.champions.verify import verify
from restock.errors import ConfigError
from restock.forecasters.bundle import Bundle, load_bundle
from restock.settings.tracking import TrackingSettings
from restock.tracking.mlflow.tracker import connect


@dataclass(frozen=True)
class Store:
    """Registry and history of one registered model.

    Attributes:
        registry: The versions.
        history: The champion's moves.
        experiment_id: Experiment of their runs.
        verify: Checks a version before it may become champion.
    """

    registry: Registry
    history: History
    experiment_id: str
    verify: Callable[[Registry, ModelVersion], None] = verify

    @contextmanager
    def bundle_of(self, version: ModelVersion) -> Iterator[Bundle]:
        """Yield the bundle of a registered version. It is checked before it is loaded.

        Raises:
            IntegrityError: If its files are not the ones that were registered.
        """
        with tempfile.TemporaryDirectory() as folder:
            yield load_bundle(self.registry.bundle_of(version, Path(folder) / "bundle"))

    def card_of(self, version: ModelVersion) -> dict[str, Any]:
        """Return the card that a version was registered with."""
        with self.registry.download(version) as model:
            content: dict[str, Any] = json.loads((model / CARD).read_text(encoding="utf-8"))
        return content


def open_store(settings: TrackingSettings, root: Path) -> Store:
    """Connect to the store of runs, versions and moves.

    Raises:
        ConfigError: If tracking is off.
        UnreachableError: If the store does not answer.
    """
    if settings.name == "none":
        raise ConfigError(
            "this command needs a registry, but tracking is off: set tracking=mlflow."
        )
    client, experiment_id = connect(settings, root)
    registry = Registry(client, settings.model_name)
    lock = promotion_lock(settings, root)
    history = History(registry, experiment_id, mirror_of(root, registry.name), lock)
    return Store(registry, history, experiment_id)
