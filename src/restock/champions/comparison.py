"""Compare two models by a paired bootstrap over series and origins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restock.champions.losses import Losses

CHUNK = 200  # resamples in memory at a time
INTERVAL = (5.0, 95.0)  # percent


@dataclass(frozen=True)
class Comparison:
    """A challenger against one rival on the same test folds.

    Attributes:
        rival: Name of the rival.
        saving: How much lower the challenger's loss is, as a share of the rival's loss. Negative:
            it is higher.
        low, high: The 90 % interval of ``saving``.
        won: Share of resamples in which the challenger had the lower loss.
    """

    rival: str
    saving: float
    low: float
    high: float
    won: float


def compare(challenger: Losses, rival: Losses, *, num_resamples: int, seed: int) -> Comparison:
    """Resample series and origins, both with replacement, the same for both models.

    Losses of one origin are correlated over series, and losses of one series over origins. If only
    one of them was resampled, the interval would be too narrow.

    Args:
        challenger: Losses of one model.
        rival: Losses of the other one, on the same folds.
        num_resamples: Number of resamples.
        seed: Seed of the resamples.

    Raises:
        IntegrityError: If they were scored on different folds.

    Source:
        The pigeonhole bootstrap: Owen, Annals of Applied Statistics 1 (2007), 386-411.
    """
    challenger.check_same_folds(rival)
    generator = np.random.default_rng(seed)
    savings = np.concatenate(
        [
            _resampled(challenger, rival, min(CHUNK, num_resamples - start), generator)
            for start in range(0, num_resamples, CHUNK)
        ]
    )
    low, high = np.percentile(savings, INTERVAL)
    saving = _saving(challenger.loss.sum(), rival.loss.sum())
    return Comparison(
        rival.name, float(saving), float(low), float(high), float((savings > 0).mean())
    )


def _resampled(
    challenger: Losses, rival: Losses, count: int, generator: np.random.Generator
) -> np.ndarray:
    num_series, num_origins = challenger.loss.shape
    series = generator.multinomial(num_series, np.full(num_series, 1 / num_series), count)
    origins = generator.multinomial(num_origins, np.full(num_origins, 1 / num_origins), count)
    ours, theirs = (((series @ model.loss) * origins).sum(axis=1) for model in (challenger, rival))
    return _saving(ours, theirs)


def _saving(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the saving. For a rival without any loss it is 0, or -1 if ours is above 0."""
    lossless = np.where(ours > 0, -1.0, 0.0)
    return np.where(theirs > 0, 1 - ours / np.maximum(theirs, 1e-300), lossless)
