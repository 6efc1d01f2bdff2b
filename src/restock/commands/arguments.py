"""What was typed after a command, as its code sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Arguments:
    """Names and flags of a command line.

    Attributes:
        names: What the command is about.
        flags: With their values; "" for those that have none.
    """

    names: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
