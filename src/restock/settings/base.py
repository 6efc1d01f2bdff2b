"""What every settings class shares: how it is checked, looked into, changed and narrowed.

It knows plain mappings. It must not know Hydra, OmegaConf or where conf/ is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from restock.errors import ConfigError, nearest


class Frozen(BaseModel):
    """A settings group: immutable, and strict about unknown keys and about types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class View(Frozen):
    """A part of one or more groups: what else stands there is none of its business."""


S = TypeVar("S", bound=Frozen)


def as_tuple(value: Any) -> Any:
    """Take a YAML list, or one text, for a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
Integers = Annotated[tuple[int, ...], BeforeValidator(as_tuple)]
Floats = Annotated[tuple[float, ...], BeforeValidator(as_tuple)]
PASSWORD = re.compile(r"(://[^:/@\s]*):[^@/\s]*@")


def checked(kind: type[S], tree: Any, where: str, hint: Callable[[str], str] | None = None) -> S:
    """Check a plain mapping and freeze it.

    Args:
        kind: What it should be.
        tree: The mapping.
        where: What to call its origin in an error, such as ``params.yaml``.
        hint: Says of an unknown path which one is meant; none: the nearest of this class.

    Raises:
        ConfigError: Naming each wrong key, with what was expected and the nearest known key.
    """
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        hint = hint or (lambda path: nearest(path, paths(kind)))
        raise ConfigError(_explained(kind, error, where, hint)) from None


def picked(view: type[S], tree: Mapping[str, Any], where: str) -> S:
    """Check what a view needs of a plain configuration; see :func:`checked`."""
    return checked(view, _part(view, tree), where)


def _part(kind: type[BaseModel], tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a view has of a mapping; groups that are no views are taken whole."""
    found = {name: tree[name] for name in kind.model_fields if name in tree}
    for name, value in found.items():
        for part in classes(kind.model_fields[name].annotation):
            if issubclass(part, View) and isinstance(value, Mapping):
                found[name] = _part(part, value)
    return found


def replace_at(settings: S, values: Mapping[str, Any]) -> S:
    """Return settings with each dotted path set to its value, checked again.

    Raises:
        ConfigError: If a path does not exist or a value does not fit it.
    """
    tree = settings.model_dump()
    for path, value in values.items():
        *groups, leaf = path.split(".")
        node = tree
        for group in groups:
            node = node.get(group, {}) if isinstance(node, dict) else {}
        if leaf not in node:
            raise ConfigError(f"no setting {path!r}. {nearest(path, paths(type(settings)))}")
        node[leaf] = value
    return checked(type(settings), tree, "after replacing " + ", ".join(values))


def narrowed(view: type[S], settings: BaseModel) -> S:
    """Return what a view has of wider settings, and nothing beside it.

    Args:
        view: A class with some of the fields, each of the same class or of a view of it.
        settings: Checked already.
    """
    values: dict[str, Any] = {}
    for name, field in view.model_fields.items():
        value, part = getattr(settings, name), field.annotation
        if isinstance(part, type) and issubclass(part, Frozen) and type(value) is not part:
            value = narrowed(part, value)
        values[name] = value
    return view.model_construct(**values)


def paths(kind: type[BaseModel], prefix: str = "") -> list[str]:
    """List every dotted path of a settings class, groups included."""
    found: list[str] = []
    for name, field in kind.model_fields.items():
        found.append(prefix + name)
        for part in classes(field.annotation):
            found += paths(part, f"{prefix}{name}.")
    return list(dict.fromkeys(found))


def classes(annotation: Any) -> list[type[BaseModel]]:
    """Return the settings classes that a field may hold: one, or the kinds of a union."""
    union = get_origin(annotation) in (Union, UnionType)
    candidates = get_args(annotation) if union else (annotation,)
    return [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]


def value_at(settings: BaseModel, path: str) -> Any:
    """Return the value at a dotted path."""
    value: Any = settings
    for part in path.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what a tree of mappings holds, by path; an empty mapping is a leaf."""
    if not isinstance(tree, Mapping) or not tree:
        yield path, tree
        return
    for name, value in tree.items():
        yield from leaves(value, f"{path}.{name}" if path else str(name))


def masked(value: Any) -> Any:
    """Return plain settings without the passwords of URLs: what is kept must not hold them."""
    if isinstance(value, dict):
        return {name: masked(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value


def _explained(
    kind: type[BaseModel], error: ValidationError, where: str, hint: Callable[[str], str]
) -> str:
    tags = _tags(kind)
    lines = [f"{where}: {error.error_count()} setting(s) cannot be used:"]
    for item in error.errors():
        path = _path(item["loc"], tags)
        if item["type"] == "extra_forbidden":
            lines.append(f"  {path}: unknown setting. {hint(path)}")
        else:
            lines.append(f"  {path}: {item['msg']} (got {item['input']!r})")
    return "\n".join(lines)


def _path(location: tuple[int | str, ...], tags: Mapping[str, set[str]]) -> str:
    """Join where an error lies. The tag of a kind, which stands behind its field, is left out."""
    names: list[str] = []
    for part in location:
        if part not in tags.get(".".join(names), ()):
            names.append(str(part))
    return ".".join(names)


def _tags(kind: type[BaseModel], prefix: str = "") -> dict[str, set[str]]:
    """Return the tags of every union of kinds, by the path of its field."""
    found: dict[str, set[str]] = {}
    for name, field in kind.model_fields.items():
        path, parts = prefix + name, classes(field.annotation)
        if isinstance(field.discriminator, str) and len(parts) > 1:
            found[path] = {tag for part in parts for tag in tags_of(part, field.discriminator)}
        for part in parts:
            found |= _tags(part, f"{path}.")
    return found


def tags_of(kind: type[BaseModel], discriminator: str) -> tuple[str, ...]:
    """Return what the tag of a kind may say: the values of its ``Literal``."""
    annotation = kind.model_fields[discriminator].annotation
    assert get_origin(annotation) is Literal
    return get_args(annotation)
