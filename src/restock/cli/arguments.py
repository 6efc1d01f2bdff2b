"""What was typed after a command: names, flags of ours, Hydra's flags, and overrides."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from restock.errors import UserError

HYDRAS_WITH_VALUE = {
    *("-c", "--cfg", "-p", "--package", "-i", "--info", "--experimental-rerun"),
    *("-cp", "--config-path", "-cn", "--config-name", "-cd", "--config-dir"),
}
MANY = 1000


@dataclass(frozen=True)
class Names:
    """How many names a command takes before the overrides, and how to say so."""

    least: int
    most: int
    usage: str


NAMED = {
    "explain": Names(1, 1, "say which series first: restock explain SERIES_ID [overrides]"),
    "resume": Names(1, 1, "say which sweep: restock resume SWEEP [engine.num_workers=N]"),
    "stop": Names(1, 1, "say which sweep: restock stop SWEEP"),
    "compare": Names(1, MANY, "say what to compare: restock compare SWEEP_OR_RUN..."),
    "promote": Names(0, 1, "restock promote [RUN_OR_SWEEP] [--dry-run]"),
    "diff": Names(2, 2, "say which two versions: restock diff VERSION VERSION"),
    "rerun": Names(1, 1, "say which run: restock rerun RUN_ID"),
    "card": Names(0, 1, "restock card [VERSION]"),
}
# Flags of ours: which commands take them.
OURS = {"--dry-run": ("tune", "promote"), "--refresh": ("history",)}
OURS_WITH_VALUE = {"--to": ("rollback",)}


@dataclass(frozen=True)
class Typed:
    """The parts of a command line.

    Attributes:
        names: What the command is about.
        flags: Ours, with their values; "" for those that have none.
        hydra: Hydra's flags, with their values.
        overrides: As Hydra takes them.
    """

    names: tuple[str, ...] = ()
    flags: dict[str, str] = field(default_factory=dict)
    hydra: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


def parse(command: str, arguments: Sequence[str]) -> Typed:
    """Take a command line apart. Overrides may stand on both sides of a flag.

    ``--overrides TEXT`` takes overrides as one string (how MLproject passes them).

    Raises:
        UserError: If a name is missing, or a flag is not for this command.
    """
    names, rest = _names(command, arguments)
    flags: dict[str, str] = {}
    hydra: list[str] = []
    overrides: list[str] = []
    words = iter(rest)
    for word in words:
        if word == "--overrides":  # `mlflow run` quotes an empty default as two quotes
            overrides += [part for part in shlex.split(next(words, "")) if part]
        elif word in OURS or word in OURS_WITH_VALUE:
            flags[word] = _own_flag(command, word, words)
        elif word.startswith("-"):
            hydra.append(word)
            if word in HYDRAS_WITH_VALUE:
                hydra += [value for value in [next(words, None)] if value is not None]
        else:
            overrides.append(word)
    return Typed(names, flags, tuple(hydra), tuple(overrides))


def _names(command: str, arguments: Sequence[str]) -> tuple[tuple[str, ...], Sequence[str]]:
    """Take names off the front of the arguments."""
    wanted = NAMED.get(command, Names(0, 0, ""))
    count = 0
    while count < min(wanted.most, len(arguments)) and _is_name(command, arguments[count]):
        count += 1
    if count < wanted.least:
        raise UserError(wanted.usage)
    return tuple(arguments[:count]), arguments[count:]


def _is_name(command: str, argument: str) -> bool:
    """Tell a name from a flag or an override; a series may have any name."""
    return not argument.startswith("-") and (command == "explain" or "=" not in argument)


def _own_flag(command: str, flag: str, words: Iterator[str]) -> str:
    commands = OURS.get(flag) or OURS_WITH_VALUE[flag]
    if command not in commands:
        raise UserError(f"{flag} is for {' and '.join(f'restock {name}' for name in commands)}.")
    if flag in OURS:
        return ""
    value = next(words, None)
    if value is None:
        raise UserError(f"{flag} needs a value.")
    return value
