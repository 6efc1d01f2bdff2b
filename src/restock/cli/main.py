"""The entry point of the command line. It finds the command before it imports anything heavy."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from restock import __version__
from restock.errors import RestockError

SHELL_COMPLETION = ("-sc", "--shell-completion")
HELP = ("-h", "--help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 2 after a mistake of the user, or 1 after another error."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--version"]:
        return _print(f"restock {__version__}")
    name = words[0] if words else "help"
    try:
        return _answer(name, words[1:])
    except RestockError as error:
        return _fail(name, str(error), error.exit_code)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("restock"):
            raise
        hint = "pip install 'restock[train]'"
        return _fail(
            name, f"{error.name.split('.')[0]} is not installed. Install the extra: {hint}", 2
        )
    except KeyboardInterrupt:
        return 130


def _answer(name: str, rest: Sequence[str]) -> int:
    """Print help, a completion script, or run a command. The caller handles all errors."""
    from restock.cli.commands import find

    if name in (*HELP, "help"):
        from restock.cli.help import command_usage, usage

        return _print(command_usage(find(rest[0])) if rest else usage())
    if name in SHELL_COMPLETION:
        from restock.cli.completion import answer

        return _print(answer(rest))
    command = find(name)
    if set(HELP) & set(rest):
        from restock.cli.help import command_usage

        return _print(command_usage(command))
    from restock.cli.arguments import parse

    command.start(parse(command, rest))
    return 0


def _fail(name: str, message: str, exit_code: int) -> int:
    print(f"restock {name}: error: {message}", file=sys.stderr)  # noqa: T201
    return exit_code


def _print(text: str) -> int:
    try:
        print(text, end="\n" if text else "")  # noqa: T201
    except BrokenPipeError:  # `restock --help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
