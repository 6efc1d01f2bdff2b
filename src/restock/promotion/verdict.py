"""Whether a challenger becomes champion: a pure function of scores, with reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """A decision and why. ``margins``: share of each rival's loss saved (positive is better)."""

    promote: bool
    reasons: tuple[str, ...]
    margins: dict[str, float]

    def __post_init__(self) -> None:
        """Refuse a decision without a reason."""
        assert self.reasons


def judge(challenger: float, baselines: dict[str, float]) -> Verdict:
    """Promote when the challenger's loss on the test folds is below every baseline's.

    Args:
        challenger: Its weighted quantile loss.
        baselines: Theirs, by name; none where nothing could be scored.
    """
    if not baselines:
        return Verdict(False, ("nothing could be scored: there is no demand in the test",), {})
    if not math.isfinite(challenger):
        return Verdict(False, ("the challenger has no finite score on the test folds",), {})
    margins = {name: 1 - challenger / loss for name, loss in baselines.items() if loss > 0}
    ahead = sorted((loss, name) for name, loss in baselines.items() if not challenger < loss)
    if ahead:
        reasons = tuple(
            f"{name} is not beaten: wql {loss:.4f} against {challenger:.4f}" for loss, name in ahead
        )
        return Verdict(False, reasons, margins)
    loss, name = min((loss, name) for name, loss in baselines.items())
    reason = (
        f"wql {challenger:.4f} on the test folds, below every baseline; the best is {name} with "
        f"{loss:.4f} ({margins[name]:.1%} saved)"
        if name in margins
        else f"wql {challenger:.4f} on the test folds, below every baseline"
    )
    return Verdict(True, (reason,), margins)
