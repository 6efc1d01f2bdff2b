"""Tab completion: command names by us, overrides by Hydra."""

from __future__ import annotations

from collections.abc import Sequence

from restock.cli.commands import COMMANDS
from restock.errors import UserError

# Hydra completes `restock OVERRIDES`: the command word is cut out of the line before it is asked.
SCRIPT = r"""
_restock() {
    local words=("${COMP_WORDS[@]}")
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "@COMMANDS@" -- "${words[1]}"))
        return
    fi
    local rest="${COMP_LINE#*"${words[1]}"}"
    local line="restock${rest}"
    COMPREPLY=($(COMP_LINE="$line" COMP_POINT=${#line} COMP_CWORD=$((COMP_CWORD - 1)) \
        restock "${words[1]}" --shell-completion query=bash))
    [[ "${COMPREPLY[0]}" == *= || "${COMPREPLY[0]}" == *. ]] && compopt -o nospace
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
COMP_WORDBREAKS=$COMP_WORDBREAKS complete -o nospace -F _restock restock
"""


def script(arguments: Sequence[str]) -> str:
    """Return the script to evaluate in a shell.

    Raises:
        UserError: For a shell we have no script for.
    """
    text = SCRIPT.replace("@COMMANDS@", " ".join(COMMANDS)).strip()
    if list(arguments) == ["install=bash"]:
        return text
    if list(arguments) == ["install=zsh"]:
        return "autoload -U bashcompinit && bashcompinit\n" + text
    raise UserError("write install=bash or install=zsh after --shell-completion.")
