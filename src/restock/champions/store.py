"""Where versions are registered and the champion's moves are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from restock.champions.history import Ledger, promotion_lock
from restock.champions.model import verify
from restock.champions.moves import mirror_of
from restock.champions.registry import ModelVersion, Registry
from restock.errors import ConfigError
from restock.forecasters.bundle import Bundle, load_bundle
from restock.settings.tree import Settings
from restock.tracking.mlflow.tracker import connect


@dataclass(frozen=True)
class Store:
    """Where runs, versions and moves are kept.

    Attributes:
        registry: The versions.
        ledger: The champion's moves.
        experiment_id: Where their runs lie.
        verify: Checks a version before it may be champion.
    """

    registry: Registry
    ledger: Ledger
    experiment_id: str
    verify: Callable[[Registry, ModelVersion], None] = verify


def open_store(settings: Settings, root: Path) -> Store:
    """Connect to where runs, versions and moves are kept.

    Raises:
        ConfigError: If tracking is off.
        UnreachableError: If it does not answer.
    """
    if settings.tracking.name == "none":
        raise ConfigError("this needs a registry: set tracking=mlflow.")
    client, experiment_id = connect(settings.tracking, root)
    registry = Registry(client, settings.tracking.model_name)
    lock = promotion_lock(settings.tracking, root)
    ledger = Ledger(registry, experiment_id, mirror_of(root, registry.name), lock)
    return Store(registry, ledger, experiment_id)


@contextmanager
def bundle_of(store: Store, version: ModelVersion) -> Iterator[Bundle]:
    """Yield the bundle of a registered version, checked before it was loaded.

    Raises:
        IntegrityError: If its files are not the ones that were registered.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield load_bundle(store.registry.bundle_of(version, Path(folder) / "bundle"))
