"""The tracking stores of :mod:`support.stores`, and commands that start at once."""

from __future__ import annotations

from support import forked
from support.stores import serve, served, store

__all__ = ["serve", "served", "store"]

forked.imported[:] = forked.TRAINING
