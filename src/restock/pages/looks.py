"""How each model is drawn: a colour and a dash of its own, the same on every page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from restock.forecasters.names import LSTM
from restock.settings.baselines import BASELINES


@dataclass(frozen=True)
class Look:
    """A colour, and the lengths of strokes and gaps in pixels; no dash: a solid line."""

    color: str
    dash: tuple[int, ...] = ()


# Each can be told from white and from the dark page: its contrast with both is at least 3 : 1.
COLORS = (
    "#1f78d1", "#d9680b", "#15915c", "#c2418f", "#8861d6", "#0a8fa3", "#a87b1a", "#d43d3d",
    "#78818c",
)  # fmt: skip
DASHES = ((), (7, 3), (2, 2), (9, 3, 2, 3), (4, 4))
INK = Look("currentColor")  # what was measured, in the colour of the text
KNOWN = (LSTM, *BASELINES)


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Return a look for each name: a known model has always the same, others follow in order.

    No two of the first 45 are alike, since the counts of colours and dashes share no factor.
    """
    ordered = list(dict.fromkeys(names))
    others = [name for name in ordered if name not in KNOWN]
    places = {name: place for place, name in enumerate((*KNOWN, *others))}
    return {name: _look(places[name]) for name in ordered}


def _look(place: int) -> Look:
    return Look(COLORS[place % len(COLORS)], DASHES[place % len(DASHES)])
