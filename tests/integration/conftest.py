"""The tracking stores of :mod:`support.stores`, for every test here."""

from __future__ import annotations

from support.stores import served, store

__all__ = ["served", "store"]
