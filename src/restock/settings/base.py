"""What all settings classes share: checks, paths, changes to single values, and views.

This module works on plain mappings. It must not know Hydra, OmegaConf or where conf/ is.
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
    """A part of one or more groups. It ignores the other settings of these groups."""


S = TypeVar("S", bound=Frozen)


def as_tuple(value: Any) -> Any:
    """Turn a YAML list, or a single text, into a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
Integers = Annotated[tuple[int, ...], BeforeValidator(as_tuple)]
Floats = Annotated[tuple[float, ...], BeforeValidator(as_tuple)]
# YAML reads the country NO as false.
Country = Annotated[str | None, BeforeValidator(lambda value: "NO" if value is False else value)]
PASSWORD = re.compile(r"(://[^:/@\s]*):[^@/\s]*@")


def checked(kind: type[S], tree: Any, where: str, hint: Callable[[str], str] | None = None) -> S:
    """Check a plain mapping and freeze it.

    Args:
        kind: The settings class.
        tree: The mapping.
        where: Where the mapping comes from, for error messages, such as ``params.yaml``.
        hint: Takes an unknown path and says which one may be meant. By default it names the
            nearest path of this class.

    Returns:
        An object of the class ``kind``.

    Raises:
        ConfigError: If a key is unknown, missing or has a wrong value. The message names each of
            them, with what was expected or the nearest known key.
    """
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        hint = hint or (lambda path: nearest(path, paths(kind)))
        raise ConfigError(_explained(kind, error, where, hint)) from None


def picked(view: type[S], tree: Mapping[str, Any], where: str) -> S:
    """Take from a plain configuration what a view needs, and check it as :func:`checked` does."""
    return checked(view, _part(view, tree), where)


def _part(kind: type[BaseModel], tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a mapping that a view has; groups that are not views are taken whole."""
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
    """Return the settings that a view has, taken from wider settings.

    Args:
        view: A class with some of the fields of ``settings``. Each field has the same class as
            there, or a view of that class.
        settings: The wider settings. They are already checked and are not checked again.
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
    """Yield each value in a tree of mappings with its dotted path; an empty mapping is a value."""
    if not isinstance(tree, Mapping) or not tree:
        yield path, tree
        return
    for name, value in tree.items():
        yield from leaves(value, f"{path}.{name}" if path else str(name))


def masked(value: Any) -> Any:
    """Replace the passwords of URLs in plain settings, so that settings can be stored."""
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
    """Join the parts of an error's location to a dotted path.

    pydantic puts the tag of a kind after the name of its field; the tag is left out.
    """
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
    """Return the allowed values of a kind's tag: those of its ``Literal``."""
    annotation = kind.model_fields[discriminator].annotation
    assert get_origin(annotation) is Literal
    return get_args(annotation)
