"""The tracking stores of :mod:`support.stores`, and commands that start at once."""

from __future__ import annotations

from support.stores import served, store
from support.typed import SERVER, TRAINING

__all__ = ["served", "store"]

SERVER.set_forkserver_preload(list(TRAINING))
