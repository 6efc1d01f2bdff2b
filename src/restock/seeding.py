"""Random numbers: one seed gives an independent stream for each purpose."""

from __future__ import annotations

import zlib

import numpy as np


def child_seed(seed: int, *purpose: str | int) -> int:
    """Derive a seed for one purpose. A new purpose never changes the numbers of the others.

    Args:
        seed: The run's seed.
        purpose: Names and numbers that identify the purpose, such as ``("trial", 3)``.

    Returns:
        An integer in [1, 2**31): never 0, which some libraries read as "no seed".
    """
    key = zlib.crc32("/".join(map(str, purpose)).encode())
    state = np.random.SeedSequence([seed, key]).generate_state(1)[0]
    return int(state) % (2**31 - 1) + 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a NumPy generator for one purpose; see :func:`child_seed`."""
    return np.random.default_rng(child_seed(seed, *purpose))
