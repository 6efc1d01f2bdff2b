"""The help texts of the command line, made from the table of commands."""

from __future__ import annotations

from restock.cli.command import Command, Flag
from restock.cli.commands import GROUPS, TABLE
from restock.cli.kinds import TypedCommand

OVERRIDES = """\
Overrides change settings (Hydra's syntax):
  restock train model.units=64
  restock train -m model.units=32,64             (a grid)
  restock run experiment=NAME --config-dir DIR   (your own settings)
  restock train --cfg job                        (show the configuration)
`restock COMMAND --help` explains each command.
Tab completion: eval "$(restock --shell-completion install=bash)"  (or install=zsh)"""
FEW = 11  # keys that a line holds
HYDRAS = (
    Flag("-m, --multirun", "run a job for each combination of values, as in model.units=32,64"),
    Flag("--cfg", "show the composed configuration; run nothing", "job"),
    Flag("--config-dir", "also read settings from your own folder", "DIR"),
)


def usage() -> str:
    """Return the help of the whole command line: every command, by group."""
    width = max(len(command.name) for command in TABLE)
    lines = ["usage: restock COMMAND [names] [flags] [overrides]"]
    for group, title in GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {c.name:<{width}}  {c.says}" for c in TABLE if c.group == group]
    return "\n".join([*lines, "", OVERRIDES])


def command_usage(command: Command) -> str:
    """Return the help of one command: its usage, its flags, what it reads, and two examples."""
    lines = [f"usage: {usage_line(command)}", "", command.says, ""]
    lines += ["flags:", *_flags(command.all_flags())]
    if isinstance(command, TypedCommand):
        lines += ["", "Hydra's flags:", *_flags(HYDRAS)]
        lines += ["", "settings it reads (override them: GROUP.KEY=VALUE):", *_groups(command)]
    return "\n".join([*lines, "", "examples:", *(f"  {line}" for line in command.examples)])


def usage_line(command: Command) -> str:
    """Return how a command is typed: its names, flags and overrides."""
    names = f" {command.names.shown}" if command.names.shown else ""
    overrides = " [overrides]" if isinstance(command, TypedCommand) else ""
    return f"restock {command.name}{names} [flags]{overrides}"


def _flags(flags: tuple[Flag, ...]) -> list[str]:
    shown = [(f"{flag.name} {flag.value}".strip(), flag.says) for flag in flags]
    width = max(len(name) for name, _ in shown)
    return [f"  {name:<{width}}  {says}" for name, says in shown]


def _groups(command: Command) -> list[str]:
    fields = command.settings().model_fields
    width = max(map(len, fields))
    return [
        f"  {name:<{width}}  {_reads(name, field.annotation)}" for name, field in fields.items()
    ]


def _reads(name: str, kind: object) -> str:
    """Describe a group of settings; for a view of a few keys, list them."""
    from restock.settings.base import View

    if isinstance(kind, type) and issubclass(kind, View) and len(kind.model_fields) < FEW:
        return f"{', '.join(kind.model_fields)} (in conf/{name})"
    first = str(kind.__doc__).split("\n")[0].replace("``", "")
    return first if hasattr(kind, "model_fields") else "a number"
