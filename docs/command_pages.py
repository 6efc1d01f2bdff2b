"""The pages of the commands, from their table: what `restock COMMAND --help` says, linked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from restock.cli.command import Command, Flag
from restock.cli.commands import GROUPS, TABLE
from restock.cli.help import HYDRAS, usage_line
from restock.cli.kinds import TypedCommand
from restock.errors import RestockError, UserError
from restock.settings.base import classes
from restock.settings.tree import Settings
from text import fenced, page, sentence, slug, table

SOURCE = "src/restock/cli/commands.py"
EXITS = {
    "0": "It is done.",
    str(RestockError.exit_code): "Something else is in the way, such as a server that does not "
    "answer or a disk that is full.",
    str(UserError.exit_code): "What was typed, a setting or a table cannot be used. The message "
    "says what, where, what was expected and what to do.",
    "130, 143": "It was stopped by Ctrl-C, or by SIGTERM.",
}
# What a code also means for one command.
ALSO = {
    "params": {"2": "With `--check`: `params.yaml` is not what `conf/` composes to."},
    "promote": {"0": "A challenger that was refused is no failure: the verdict says why."},
    "rerun": {"0": "Every verdict, also `differs` and `not reproducible`."},
    "sync": {"1": "Not everything could be sent. Nothing is lost; run it again later."},
}


def pages() -> dict[str, str]:
    """Return the pages by their path in docs/."""
    found = {f"commands/{command.name}.md": _page(command) for command in TABLE}
    return {"commands/index.md": _index(), **found}


def _index() -> str:
    lines = [
        "`restock --help` lists them, and `restock COMMAND --help` says in the terminal what the",
        "pages here say.",
    ]
    for group, title in GROUPS.items():
        rows = [
            (f"[`restock {c.name}`]({c.name}.md)", sentence(c.says))
            for c in TABLE
            if c.group == group
        ]
        lines += ["", f"## {title[0].upper()}{title[1:]}", "", *table(("command", "does"), rows)]
    return page("Commands", SOURCE, lines)


def _page(command: Command) -> str:
    lines = [sentence(command.says), "", *fenced("text", [usage_line(command)])]
    lines += ["", "## Flags", "", *_flags(command.all_flags())]
    if isinstance(command, TypedCommand):
        lines += ["", "Flags of Hydra, which composes the settings:", "", *_flags(HYDRAS)]
        lines += ["", "## Settings", "", *_settings(command)]
    examples = [f"$ {line}" for line in command.examples]
    lines += ["", "## Examples", "", *fenced("console", examples)]
    lines += ["", "## Exit codes", "", *_exits(ALSO.get(command.name, {}))]
    return page(f"restock {command.name}", SOURCE, lines)


def _flags(flags: tuple[Flag, ...]) -> list[str]:
    rows = [(f"`{f'{flag.name} {flag.value}'.strip()}`", sentence(flag.says)) for flag in flags]
    return table(("flag", "does"), rows)


def _settings(command: Command) -> list[str]:
    fields = command.settings().model_fields
    intro = "Override any of them as `GROUP.KEY=VALUE`, behind the command."
    rows = [(_group(name), _keys(name, field.annotation)) for name, field in fields.items()]
    return [intro, "", *table(("group", "the command reads"), rows)]


def _group(name: str) -> str:
    if classes(Settings.model_fields[name].annotation):
        return f"[`{name}`](../settings/{name}.md)"
    return f"[`{name}`](../settings/index.md#{slug(name)})"


def _keys(name: str, kind: object) -> str:
    """Return which keys of a group are read: those of a view of it, else all."""
    fields = getattr(kind, "model_fields", {})
    whole = getattr(Settings.model_fields[name].annotation, "model_fields", {})
    missing = [key for key in whole if key not in fields]
    if fields and len(missing) < len(fields) / 2:
        return "all of it" + (f" but {_linked(name, missing)}" if missing else "")
    return _linked(name, fields) or "its value"


def _linked(group: str, keys: Iterable[str]) -> str:
    return ", ".join(f"[`{k}`](../settings/{group}.md#{slug(f'{group}.{k}')})" for k in keys)


def _exits(also: Mapping[str, str]) -> list[str]:
    rows = [(code, f"{means} {also.get(code, '')}".strip()) for code, means in EXITS.items()]
    return table(("code", "means"), rows)
