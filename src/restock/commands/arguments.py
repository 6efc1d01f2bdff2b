"""The arguments that were typed after a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Arguments:
    """Names and flags of a command line.

    Attributes:
        names: Names of what the command works on, such as a sweep or a version.
        flags: Flags with their values; "" for a flag without a value.
    """

    names: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
