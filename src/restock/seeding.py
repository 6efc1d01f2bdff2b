"""Where random numbers come from: one seed in, one independent stream for each purpose out."""

from __future__ import annotations

import zlib

import numpy as np


def child_seed(seed: int, *purpose: str | int) -> int:
    """Derive a seed for one purpose, so that adding a consumer never shifts another one's numbers.

    Args:
        seed: The run's seed.
        purpose: Names and numbers that identify the consumer, such as ``("trial", 3)``.

    Returns:
        An integer in [1, 2**31): never 0, which some libraries read as "no seed".
    """
    key = zlib.crc32("/".join(map(str, purpose)).encode())
    state = np.random.SeedSequence([seed, key]).generate_state(1)[0]
    return int(state) % (2**31 - 1) + 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a NumPy generator for one purpose; see :func:`child_seed`."""
    return np.random.default_rng(child_seed(seed, *purpose))
