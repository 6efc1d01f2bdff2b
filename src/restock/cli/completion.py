"""Tab completion: commands, flags and names by us, and overrides by Hydra.

A shell asks with every press of Tab, so what can be answered without Hydra is: importing that
takes a second. Only what lies in the project's folder is read, and nothing that fails is said.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from restock.champions.moves import mirrors
from restock.cli.command import Command
from restock.cli.commands import COMMANDS
from restock.cli.help import HYDRAS
from restock.cli.kinds import TypedCommand
from restock.cli.project import project_root
from restock.errors import UserError
from restock.sweeps.local import sweep_names

# Both hand over the words up to the cursor. After what ends with one of = . / more will be typed.
BASH = r"""
_restock() {
    mapfile -t COMPREPLY < <(
        restock --shell-completion query "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null
    )
    [[ "${COMPREPLY[0]-}" == *[=./] ]] && compopt -o nospace 2>/dev/null
    return 0
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -F _restock restock
"""
ZSH = r"""
(( $+functions[compdef] )) || { autoload -U compinit && compinit -i }
_restock() {
    local -a found
    found=(${(f)"$(restock --shell-completion query "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    compadd -S '' -- ${(M)found:#*[=./]}
    compadd -- ${found:#*[=./]}
}
compdef _restock restock
"""
SCRIPTS = {"install=bash": BASH, "install=zsh": ZSH}


def answer(arguments: Sequence[str]) -> str:
    """Return the script to evaluate in a shell; for ``query WORDS``, what may be the last word.

    Raises:
        UserError: For a shell we have no script for.
    """
    if arguments[:1] == ["query"]:
        return "\n".join(offered(arguments[1:] or [""]))
    if len(arguments) == 1 and arguments[0] in SCRIPTS:
        return SCRIPTS[arguments[0]].strip()
    raise UserError("write install=bash or install=zsh after --shell-completion.")


def offered(words: Sequence[str]) -> list[str]:
    """Return what the last of the words after `restock` may become; nothing where that fails."""
    *before, last = words
    with suppress(Exception, SystemExit):  # the latter is Hydra's, of a line that it cannot read
        return sorted(w for w in _candidates(before, last) if w.startswith(last))
    return []


def _candidates(before: Sequence[str], last: str) -> Sequence[str]:
    if not before:
        return ["--help", "--version"] if last.startswith("-") else [*COMMANDS, "help"]
    if before[0] == "help":
        return [] if before[1:] else [*COMMANDS]
    command, typed = COMMANDS[before[0]], before[1:]
    takers = {flag.name: flag.value for flag in (*command.all_flags(), *HYDRAS) if flag.value}
    if typed and typed[-1] in takers:
        return _named(takers[typed[-1]], last)
    if last.startswith("-"):
        return [flag for flag in _flags(command) if flag not in typed]
    names = command.names
    if len(typed) < names.most and all(map(names.holds, typed)):
        found = [name for name in _named(names.shown, last) if name not in typed]
        if len(typed) < names.least or any(name.startswith(last) for name in found):
            return found
    return _overrides(command, typed, last) if isinstance(command, TypedCommand) else []


def _flags(command: Command) -> list[str]:
    hydras = HYDRAS if isinstance(command, TypedCommand) else ()
    flags = [flag.name.split(", ")[-1] for flag in (*command.all_flags(), *hydras)]
    return [*flags, "--help"]


def _named(shown: str, last: str) -> list[str]:
    """Return what can stand where the usage shows SWEEP, VERSION, FILE and the like."""
    return [name for word, find in NAMED.items() if word in shown for name in find(last)]


def _sweeps(_: str) -> list[str]:
    return sweep_names(project_root())


def _versions(_: str) -> list[str]:
    moves = [move for mirror in mirrors(project_root()) for move in mirror.read()]
    return sorted({move.to_version for move in moves if move.to_version})


def _paths(last: str) -> list[str]:
    folder = os.path.dirname(last)  # noqa: PTH120 - a Path would drop a leading ./
    below = Path(folder or ".").iterdir()
    return [os.path.join(folder, p.name) + ("/" if p.is_dir() else "") for p in below]  # noqa: PTH118


NAMED: dict[str, Callable[[str], list[str]]] = {
    "SWEEP": _sweeps,
    "VERSION": _versions,
    "FILE": _paths,
    "DIR": _paths,
    "job": lambda _: ["job"],
}


def _overrides(command: Command, typed: Sequence[str], last: str) -> list[str]:
    """Ask Hydra, as its own scripts do: by a variable with the line up to the cursor."""
    from restock.cli.arguments import parse
    from restock.cli.choices import config_folders
    from restock.cli.compose import compose
    from restock.cli.project import conf_folder

    parsed = parse(command, typed)
    own = config_folders(conf_folder(), parsed.hydra)[1:]
    folders = [word for folder in own for word in ("--config-dir", str(folder))]
    # Bash breaks words at colons, and Hydra splits at blanks: neither half is an override.
    given = [word for word in parsed.overrides if "=" in word and not word.split()[1:]]
    multirun = ["-m"] if parsed.multirun else []
    os.environ["COMP_LINE"] = " ".join(["restock", *multirun, *given, last])
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()):
        query = ["--shell-completion", "query=bash", *folders]
        compose(command.name, query, lambda _: None)
    return said.getvalue().split()
