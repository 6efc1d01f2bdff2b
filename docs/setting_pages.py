"""The pages of the settings: types from their classes, meanings from beneath the keys."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import griffe
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from restock.cli.commands import TABLE
from restock.cli.kinds import TypedCommand
from restock.settings.base import classes, paths, tags_of
from restock.settings.recipe import suited
from restock.settings.tree import Settings
from text import fenced, page, prose, sentence, table

ROOT = Path(__file__).parents[1]
WHAT = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Any: "value"}
BOUNDS = {
    "ge": "at least {}",
    "gt": "above {}",
    "le": "at most {}",
    "lt": "below {}",
    "pattern": "of the form `{}`",
}
MISSING = object()


@dataclass(frozen=True)
class Key:
    """A setting, or a mapping of settings, with where it stands.

    Attributes:
        path: Dotted, from the root of the configuration.
        field: What pydantic knows of it.
        owner: The class that holds it.
        kinds: Of which kinds of a union it is a setting; empty: of no union.
    """

    path: str
    field: FieldInfo
    owner: type[BaseModel]
    kinds: tuple[str, ...] = ()

    @property
    def parts(self) -> list[type[BaseModel]]:
        """The classes of what lies beneath it; none: it is a value."""
        return classes(self.field.annotation) or classes(_named(self.field.annotation))


class SettingPages:
    """All pages, made from one reading of the sources."""

    def __init__(self, package: griffe.Module) -> None:
        self.package = package
        tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        self.composed: dict[str, Any] = tree
        self.written = written()
        self.readers = readers()

    def pages(self) -> dict[str, str]:
        """Return the pages by their path in docs/."""
        fields = Settings.model_fields
        groups = {name: f for name, f in fields.items() if classes(f.annotation)}
        found = {f"settings/{name}.md": self._group(name, f) for name, f in groups.items()}
        return {"settings/index.md": self._index(fields), **found}

    def _index(self, fields: dict[str, FieldInfo]) -> str:
        keys = [Key(name, field, Settings) for name, field in fields.items()]
        rows = [(f"[`{k.path}`]({k.path}.md)", self._means(k)) for k in keys if k.parts]
        lines = [
            "Every setting has a group, a folder of `conf/`. Type `GROUP.KEY=VALUE` behind a",
            "command to change one for once, or `GROUP=CHOICE` to take another file of the group.",
            "[Configuration](../configuration.md) says how they are put together.",
            *("", *table(("group", "says"), rows), ""),
            "Two settings are in no group.",
        ]
        for key in keys:
            if not key.parts:
                lines += ["", *self._key(key)]
        lines += ["", "## Pinned combinations", ""]
        lines += ["Files of `conf/experiment` and `conf/debug` set keys of several groups at once."]
        for group in ("experiment", "debug"):
            lines += self._choices(group, ROOT / "conf" / group, default=None)
        return page("Settings", "src/restock/settings and conf/", lines)

    def _group(self, name: str, field: FieldInfo) -> str:
        (kind,) = classes(field.annotation)
        lines = [prose(str(kind.__doc__)), "", f"Read by {self._links(self._reading(name))}."]
        if name == "tracking":
            lines += ["Every command that logs runs takes from here where they go."]
        if name == "data":
            lines += [
                "",
                "Behind the defaults stand the values of `data=online_retail`, which is what",
            ]
            lines += ["`make run` takes. [Your own data](../own-data.md) shows other files."]
        for key in walk(kind, f"{name}."):
            lines += ["", *self._key(key)]
        lines += self._alternatives(name)
        return page(name, "src/restock/settings and conf/", lines)

    def _key(self, key: Key) -> list[str]:
        depth = key.path.replace(".NAME", "").count(".")
        lines = [f"{'#' * min(max(depth, 1) + 1, 4)} `{key.path}`", ""]
        lines += [self._means(key)] if key.parts else [self._facts(key), "", self._means(key)]
        if key.kinds:
            lines += ["", f"Only for {' and '.join(f'`{kind}`' for kind in key.kinds)}."]
        if len(key.parts) > 1:
            tag = str(key.field.discriminator)
            kinds = [(tags_of(kind, tag)[0], kind) for kind in key.parts]
            rows = [(f"`{name}`", sentence(str(kind.__doc__))) for name, kind in kinds]
            lines += ["", *table((tag, "is"), rows)]
        return lines + self._readers(key.path)

    def _readers(self, path: str) -> list[str]:
        """Say which commands read a key, where what it lies in does not say the same."""
        found, around = self._reading(path), self._reading(path.rpartition(".")[0])
        return ["", f"Read by {self._links(found)} only."] if found and found != around else []

    def _facts(self, key: Key) -> str:
        """Say what a key takes, and what it is where nobody says it."""
        takes = takes_of(key.field)
        own = key.field.get_default(call_default_factory=True, validated_data={})
        own = MISSING if key.field.is_required() else own
        composed = self._composed(key.path)
        if key.path.startswith("data."):
            default = "required" if own is MISSING else f"default {shown(own)}"
            if composed not in (MISSING, own) and _plain(composed) != _plain(own):
                default += f"; `data=online_retail`: {shown(composed)}"
        elif composed is MISSING:
            default = "required" if own is MISSING else f"default {shown(own)}"
        else:
            default = f"default {shown(composed)}"
            if (named := value_at(self.written, key.path)) != composed and isinstance(named, str):
                default += f", from `{named.strip('${}')}`"
            elif own is not MISSING and _plain(own) != _plain(composed):
                default += f" in `conf/`, {shown(own)} in a notebook"
            if composed is None and own is MISSING:
                default += f", which is {shown(self._weekly(key.path))} for weekly data"
        return f"{takes[0].upper()}{takes[1:]}; {default}."

    def _composed(self, path: str) -> Any:
        return value_at(self.composed, path)

    def _weekly(self, path: str) -> Any:
        """Return what a setting that is null becomes for weekly data."""
        return value_at(suited(self.composed, "W"), path)

    def _means(self, key: Key) -> str:
        """Return what stands beneath a key, in the class that defines it."""
        name = key.path.rpartition(".")[2]
        if key.field.description:
            return key.field.description
        for owner in key.owner.__mro__:
            if name in inspect.get_annotations(owner):
                module = owner.__module__.removeprefix("restock.")
                docstring = self.package[f"{module}.{owner.__qualname__}.{name}"].docstring
                return prose(docstring.value)
        raise LookupError(f"nothing explains {key.path}")

    def _reading(self, path: str) -> set[str]:
        """Return the commands that read a key, or anything beneath it."""
        if path in ("", "output_dir"):
            return set(self.readers)
        return {
            name
            for name, read in self.readers.items()
            if path in read or any(other.startswith(f"{path}.") for other in read)
        }

    def _links(self, readers: set[str]) -> str:
        if readers == set(self.readers):
            return "every command that composes settings"
        ordered = [c.name for c in TABLE if c.name in readers]
        links = [f"[`{name}`](../commands/{name}.md)" for name in ordered]
        return " and ".join([", ".join(links[:-1]), links[-1]] if links[1:] else links)

    def _alternatives(self, name: str) -> list[str]:
        """Return the files of a group, and of groups inside it, that conf/ does not choose."""
        lines = []
        for group in (name, *(f"{name}/{p.name}" for p in (ROOT / "conf" / name).glob("*/"))):
            default = chosen().get(group)
            lines += self._choices(group, ROOT / "conf" / group, default)
        return ["", "## Other files", *lines] if lines else []

    def _choices(self, group: str, folder: Path, default: str | None) -> list[str]:
        lines = []
        for path in sorted(folder.glob("*.yaml")):
            if path.stem == default:
                continue
            text = path.read_text(encoding="utf-8").rstrip().splitlines()
            base = group == "data" and path.stem == "base"  # others start from it
            title = "conf/data/base.yaml" if base else f"{group}={path.stem}"
            lines += ["", f"### `{title}`", "", *fenced("yaml", text)]
        return lines


def chosen() -> dict[str, str]:
    """Return which file of each group conf/config.yaml takes."""
    tree = yaml.safe_load((ROOT / "conf/config.yaml").read_text(encoding="utf-8"))
    lines = [line for line in tree["defaults"] if isinstance(line, dict)]
    return {group: choice for line in lines for group, choice in line.items()}


def written() -> dict[str, Any]:
    """Return the chosen files as they are written, references to other settings included."""
    files = {group: ROOT / "conf" / group / f"{choice}.yaml" for group, choice in chosen().items()}
    present = {group: path for group, path in files.items() if path.is_file()}
    return {group: yaml.safe_load(path.read_text()) for group, path in present.items()}


def readers() -> dict[str, set[str]]:
    """Return what each command on composed settings reads, as paths."""
    where_runs_go = {path for path in paths(Settings) if path.startswith("tracking.")}
    return {
        c.name: set(paths(c.settings())) | (where_runs_go if c.logged_as() is not None else set())
        for c in TABLE
        if isinstance(c, TypedCommand)
    }


def walk(kind: type[BaseModel], prefix: str) -> Iterator[Key]:
    """Yield every key of a settings class and what lies beneath it, in the order of the class."""
    for name, field in kind.model_fields.items():
        yield from _beneath(Key(prefix + name, field, kind))


def _beneath(key: Key) -> Iterator[Key]:
    yield key
    inside = f"{key.path}." if classes(key.field.annotation) else f"{key.path}.NAME."
    if len(key.parts) < 2:
        for part in key.parts:
            yield from walk(part, inside)
        return
    tag = str(key.field.discriminator)
    yield _tag(key, tag)
    for part in key.parts:
        for name, field in part.model_fields.items():
            if name != tag:
                yield Key(inside + name, field, part, tags_of(part, tag))


def _tag(key: Key, tag: str) -> Key:
    """Return the key that says which kind of a union is meant, with all that it may say."""
    first = key.parts[0]
    says = tuple(value for part in key.parts for value in tags_of(part, tag))
    default = first.model_fields[tag].default
    field = FieldInfo(annotation=Literal[says], default=default, description="Which of these.")
    return Key(f"{key.path}.{tag}", field, first)


def _named(annotation: Any) -> Any:
    """Return what a mapping by names of one's own holds."""
    return get_args(annotation)[1] if get_origin(annotation) is dict else None


def takes_of(field: FieldInfo) -> str:
    """Say in words what a setting takes."""
    return _said(field.annotation, tuple(field.metadata))


def _said(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        inner = [m for m in annotation.__metadata__ if isinstance(m, FieldInfo)]
        return _said(annotation.__origin__, (*metadata, *(m for f in inner for m in f.metadata)))
    if origin in (Union, UnionType):
        rest = [a for a in arguments if a is not NoneType]
        return " or ".join([*(_said(a, metadata) for a in rest), "`null`"])
    if origin is Literal:
        *others, last = (f"`{argument}`" for argument in arguments)
        return " or ".join([", ".join(others), last] if others else [last])
    if origin is tuple:
        several = arguments[1:] == (Ellipsis,)
        return f"list of {_many(arguments[0])}" if several else f"{len(arguments)} numbers"
    if origin is dict:
        return "mapping of names to text"
    return " ".join([WHAT[annotation], *_bounds(metadata)])


def _many(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return f"names out of {', '.join(f'`{name}`' for name in get_args(annotation))}"
    return {str: "names", int: "whole numbers", float: "numbers", Any: "values"}[annotation]


def _bounds(metadata: tuple[Any, ...]) -> list[str]:
    limits = [
        said.format(getattr(item, name))
        for item in metadata
        for name, said in BOUNDS.items()
        if getattr(item, name, None) is not None
    ]
    return [" and ".join(limits)] if limits else []


def value_at(tree: Any, path: str) -> Any:
    """Return what a plain tree holds at a dotted path, or MISSING."""
    for part in path.split("."):
        if not isinstance(tree, dict) or part not in tree:
            return MISSING
        tree = tree[part]
    return tree


def shown(value: Any) -> str:
    """Return a value as it is typed or written in YAML."""
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=10_000)
    return f"`{text.removesuffix(chr(10)).removesuffix(f'{chr(10)}...')}`"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
