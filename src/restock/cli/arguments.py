"""Parse what was typed after a command: names, restock's flags, Hydra's flags, and overrides."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from restock.cli.command import PARAMS, Command, Flag, Typed
from restock.cli.commands import TABLE
from restock.errors import UserError, nearest

HYDRAS_WITH_VALUE = {
    *("-c", "--cfg", "-p", "--package", "-i", "--info", "--experimental-rerun"),
    *("-cp", "--config-path", "-cn", "--config-name", "-cd", "--config-dir"),
}
MODES = (  # what Hydra does; one at a time
    *(("-m", "--multirun"), ("-r", "--run"), ("-c", "--cfg"), ("-i", "--info")),
    ("-sc", "--shell-completion"),
)
HYDRAS = {*HYDRAS_WITH_VALUE, *sum(MODES, ()), "--resolve", "--hydra-help"}
OVERRIDES = "--overrides"


def parse(command: Command, words: Sequence[str]) -> Typed:
    """Split a command line into its parts. Overrides may come before and after a flag.

    ``--overrides TEXT`` takes overrides as one string, as MLproject passes them.

    Raises:
        UserError: If a name is missing, a flag is unknown or not for this command, or two of
            Hydra's flags exclude each other.
    """
    names, rest = _names(command, words)
    flags: dict[str, str] = {}
    hydra: list[str] = []
    overrides: list[str] = []
    left = iter(rest)
    for word in left:
        if word == OVERRIDES:  # `mlflow run` quotes an empty default as two quotes
            overrides += [part for part in shlex.split(next(left, "")) if part]
        elif word.split("=", 1)[0] in HYDRAS:
            hydra.append(word)
            if word in HYDRAS_WITH_VALUE:
                hydra += [value for value in [next(left, None)] if value is not None]
        elif word.startswith("-"):
            flag = _flag(command, word)
            flags[flag.name] = _value(flag, left)
        else:
            overrides.append(word)
    _check_mode(hydra)
    return Typed(names, flags, tuple(hydra), tuple(overrides))


def _check_mode(hydra: Sequence[str]) -> None:
    given = {word.split("=", 1)[0] for word in hydra}
    modes = [" or ".join(names) for names in MODES if given & set(names)]
    if len(modes) > 1:
        raise UserError(f"only one of {', '.join(modes)} can be used at a time. Remove the others.")


def _names(command: Command, words: Sequence[str]) -> tuple[tuple[str, ...], Sequence[str]]:
    """Split off the names at the start of what was typed."""
    wanted, count = command.names, 0
    while count < min(wanted.most, len(words)) and wanted.holds(words[count]):
        count += 1
    if count < wanted.least and PARAMS.name not in words:
        line = f"restock {command.name} {wanted.shown} [overrides]"
        raise UserError(f"{wanted.asks}: {line}")
    return tuple(words[:count]), words[count:]


def _flag(command: Command, word: str) -> Flag:
    known = {flag.name: flag for flag in command.all_flags()}
    if word in known:
        return known[word]
    takers = [f"restock {other.name}" for other in TABLE if word in {f.name for f in other.flags}]
    if takers:
        raise UserError(f"{word} is for {' and '.join(takers)}.")
    every = [*known, *(name for name in HYDRAS if name.startswith("--"))]
    raise UserError(f"restock {command.name} has no flag {word!r}. {nearest(word, every)}")


def _value(flag: Flag, left: Iterator[str]) -> str:
    if not flag.value:
        return ""
    value = next(left, None)
    if value is None:
        raise UserError(f"{flag.name} needs a value: {flag.name} {flag.value}.")
    return value
