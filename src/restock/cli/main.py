"""The command line's front door: finds the command before anything heavy is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from restock import __version__
from restock.errors import RestockError, UserError, nearest

COMMANDS = {
    "run": "the whole path in one process, on any data set, without DVC",
    "fetch": "bring the raw table",
    "prepare": "raw rows to demand per series and period",
    "featurize": "features and the constants they are made with",
    "tune": "search the space of conf/search on the tuning folds",
    "train": "fit the LSTM and save the bundle",
    "evaluate": "score it on the test folds, beside the baselines",
    "forecast": "quantiles for the coming horizon",
    "plan": "reorder points and order quantities",
    "select": "which features to leave out, found on the tuning folds",
    "explain": "what moves the forecast of one series:  restock explain SERIES_ID",
    "promote": "champion if it passes every gate:  restock promote [RUN_OR_SWEEP] [--dry-run]",
    "history": "who was champion, when and why (--refresh: ask the server)",
    "rollback": "make an earlier champion champion again:  restock rollback [--to VERSION]",
    "diff": "what sets two versions apart:  restock diff VERSION VERSION",
    "card": "what a version was made from, how, and what for:  restock card [VERSION]",
    "rerun": "run an old run again and compare every number:  restock rerun RUN_ID",
    "summary": "what won, what was promoted, what to reorder first",
    "sweeps": "every sweep: its state, trials, workers and best",
    "resume": "go on with a sweep as it was launched:  restock resume SWEEP",
    "stop": "let a sweep end after the epochs that run now:  restock stop SWEEP",
    "compare": "side by side, the best of each:  restock compare SWEEP_OR_RUN...",
    "sync": "send runs that wait on disk to the tracking server",
    "params": "compile conf/ to params.yaml (--check: fail if it is stale)",
}
SHELL_COMPLETION = ("-sc", "--shell-completion")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 2 for a user's mistake, or 1 for anything else."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        return _print(_usage())
    if arguments[0] == "--version":
        return _print(f"restock {__version__}")
    return _guarded(arguments[0], arguments[1:])


def _guarded(command: str, rest: list[str]) -> int:
    """Run a command. The one place where an error leaves the program."""
    try:
        if command in SHELL_COMPLETION:
            from restock.cli.completion import script

            return _print(script(rest))
        if command not in COMMANDS:
            raise UserError(f"no command {command!r}. {nearest(command, COMMANDS)}")
        from restock.cli.dispatch import dispatch

        dispatch(command, rest)
    except RestockError as error:
        return _fail(command, str(error), error.exit_code)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("restock"):
            raise
        hint = "pip install 'restock[train]'"
        return _fail(
            command, f"{error.name.split('.')[0]} is not installed. Install the extra: {hint}", 2
        )
    except KeyboardInterrupt:
        return 130
    return 0


def _fail(command: str, message: str, exit_code: int) -> int:
    print(f"restock {command}: error: {message}", file=sys.stderr)  # noqa: T201
    return exit_code


def _print(text: str) -> int:
    try:
        print(text)  # noqa: T201
    except BrokenPipeError:  # `restock --help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        [
            "usage: restock COMMAND [overrides]",
            "",
            *lines,
            "",
            "Overrides are Hydra's:  restock train model.units=64",
            "                        restock train -m model.units=32,64    (a grid)",
            "                        restock tune --dry-run    (what a sweep will take)",
            "                        restock run experiment=NAME --config-dir DIR",
            "                        restock train --cfg job              (show the configuration)",
            'Tab completion: eval "$(restock --shell-completion install=bash)"',
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
