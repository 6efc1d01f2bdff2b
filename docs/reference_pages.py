"""The pages of the library: what docs/library.md names and what it returns, from docstrings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import griffe
from pydantic import BaseModel

from restock.settings.base import Frozen, classes
from restock.settings.tree import Settings
from text import fenced, page, prose, sentence, slug, table

LIBRARY = Path(__file__).with_name("library.md")
NAMED = re.compile(r"`(restock(?:\.\w+)+)`")
IMPORTED = re.compile(r"^from (restock[\w.]*) import (.+)$", re.MULTILINE)
WORD = re.compile(r"\w+")
Typed = griffe.Object | griffe.DocstringElement  # what has a name and a type
LIMIT = 88  # characters of a signature in one line


class ReferencePages:
    """All pages, one a module, made from one reading of the sources."""

    def __init__(self, package: griffe.Module) -> None:
        self.package = package
        wanted = named(LIBRARY.read_text(encoding="utf-8"))
        self.objects = with_what_they_return(self._found(wanted))
        self.modules = sorted({found.module.path for found in self.objects})
        self.places = {o.path: f"{_file(o.module.path)}#{slug(o.name)}" for o in self.objects}
        self.places |= settings_places()

    def pages(self) -> dict[str, str]:
        """Return the pages by their path in docs/."""
        found = {f"reference/{_file(module)}": self._page(module) for module in self.modules}
        return {"reference/index.md": self._index(), **found}

    def _found(self, wanted: Iterable[str]) -> list[griffe.Class | griffe.Function]:
        found = [self.package[path.removeprefix("restock.")] for path in wanted]
        return [o for o in found if isinstance(o, griffe.Class | griffe.Function)]

    def _of(self, module: str) -> list[griffe.Class | griffe.Function]:
        inside = [o for o in self.objects if o.module.path == module]
        return sorted(inside, key=lambda o: o.lineno or 0)

    def _index(self) -> str:
        rows = []
        for module in self.modules:
            names = [f"[`{o.name}`]({self.places[o.path]})" for o in self._of(module)]
            rows.append((f"`{module}`", ", ".join(names), self._first(module)))
        lines = [
            "What [a notebook](../library.md) imports, and what it returns, as the docstrings say.",
            *("", *table(("module", "holds", "for"), rows)),
        ]
        return page("Library", "the docstrings of src/restock", lines)

    def _first(self, module: str) -> str:
        docstring = self.package[module.removeprefix("restock.")].docstring
        return sentence(docstring.value.split("\n\n")[0])

    def _page(self, module: str) -> str:
        names = ", ".join(found.name for found in self._of(module))
        lines = [self._first(module), "", *fenced("python", [f"from {module} import {names}"])]
        for found in self._of(module):
            lines += ["", f"## `{found.name}`", ""]
            if isinstance(found, griffe.Function):
                lines += self._function(found)
            else:
                lines += self._class(found)
        return page(module.removeprefix("restock."), f"src/{module.replace('.', '/')}.py", lines)

    def _class(self, found: griffe.Class) -> list[str]:
        lines, own = self._docstring(found), explained(found)
        for label in ("attribute", "property"):
            items = [a for a in own if ("property" in a.labels) == (label == "property")]
            if items:
                lines += ["", *self._rows(label, items, (a.docstring.value for a in items))]
        for method in methods(found):
            lines += ["", f"### `{found.name}.{method.name}`", "", *self._function(method)]
        return lines

    def _function(self, found: griffe.Function) -> list[str]:
        lines = [*fenced("python", signature(found)), "", *self._docstring(found)]
        result = self._type(found.returns)
        if "](" in result and not any(line.startswith("Returns ") for line in lines):
            lines += ["", f"Returns {result}."]
        return lines

    def _docstring(self, found: griffe.Object) -> list[str]:
        lines: list[str] = []
        for section in found.docstring.parse("google") if found.docstring else []:
            if section.kind is griffe.DocstringSectionKind.text:
                lines += ["", prose(section.value)]
            else:
                lines += ["", *self._section(section)]
        return lines[1:]

    def _section(self, section: griffe.DocstringSection) -> list[str]:
        kind, items = section.kind, section.value
        if kind is griffe.DocstringSectionKind.returns:
            return [f"Returns {self._type(items[0].annotation)}: {sentence(items[0].description)}"]
        if kind is griffe.DocstringSectionKind.raises:
            rows = [(self._type(item.annotation), sentence(item.description)) for item in items]
            return table(("raises", "when"), rows)
        if kind is griffe.DocstringSectionKind.admonition:
            return [f"{section.title}: {sentence(items.contents)}"]
        heads = {"parameters": "argument", "attributes": "attribute"}
        return self._rows(heads[kind.value], items, (item.description for item in items))

    def _rows(self, head: str, items: Iterable[Typed], says: Iterable[str]) -> list[str]:
        rows = []
        for item, text in zip(items, says, strict=True):
            name, kind = f"`{item.name}`", self._type(item.annotation)
            if item.name.endswith(","):  # a line of a docstring that explains two: "a, b: ..."
                name, kind = f"`{item.name[:-1]}`, `{item.annotation}`", ""
            rows.append((name, kind, sentence(text)))
        return table((head, "type", "is"), rows)

    def _type(self, annotation: object) -> str:
        """Return a type as code, in which the types that have a page are links."""
        places = {path.rpartition(".")[2]: place for path, place in self.places.items()}
        parts = re.split(rf"\b({'|'.join(map(re.escape, places))})\b", str(annotation))
        return "".join(
            f"[`{part}`]({places[part]})" if part in places else f"`{part}`"
            for part in parts
            if part
        )


def named(text: str) -> list[str]:
    """Return what a page names in code, or imports in its example."""
    found = NAMED.findall(text)
    for module, names in IMPORTED.findall(text):
        found += [f"{module}.{name}" for name in WORD.findall(names)]
    return sorted(set(found))


def with_what_they_return(
    found: Sequence[griffe.Class | griffe.Function],
) -> list[griffe.Class | griffe.Function]:
    """Return these, what the functions take, and every class that they and their methods return.

    Settings have pages of their own.
    """
    done: dict[str, griffe.Class | griffe.Function] = {}
    roots = [here for here in found if isinstance(here, griffe.Function)]
    left = [*found, *(taken for here in roots for taken in arguments(here))]
    elsewhere = settings_places()
    while left:
        here = left.pop()
        if here.path in done or here.path in elsewhere:
            continue
        done[here.path] = here
        callables = [here] if isinstance(here, griffe.Function) else methods(here)
        left += [result for each in callables for result in returned(each)]
    return [done[path] for path in sorted(done)]


def returned(function: griffe.Function) -> Iterator[griffe.Class]:
    """Yield the classes of ours that a return annotation names."""
    yield from _classes(function, function.returns)


def arguments(function: griffe.Function) -> Iterator[griffe.Class]:
    """Yield the classes of ours that a function takes."""
    for parameter in function.parameters:
        yield from _classes(function, parameter.annotation)


def _classes(function: griffe.Function, annotation: object) -> Iterator[griffe.Class]:
    names = annotation.iterate() if isinstance(annotation, griffe.Expr) else ()
    for name in names:
        path = getattr(name, "canonical_path", "")
        if path.startswith("restock."):
            found = function.package[path.removeprefix("restock.")]
            if isinstance(found, griffe.Class):
                yield found


def methods(found: griffe.Class) -> list[griffe.Function]:
    """Return the public methods of a class, in their order."""
    inside = [m for m in found.members.values() if isinstance(m, griffe.Function)]
    return [m for m in inside if m.docstring and not m.name.startswith("_")]


def explained(found: griffe.Class) -> list[griffe.Attribute]:
    """Return the attributes and properties with a docstring of their own."""
    inside = [m for m in found.members.values() if isinstance(m, griffe.Attribute)]
    return [m for m in inside if m.docstring and not m.name.startswith("_")]


def signature(function: griffe.Function) -> list[str]:
    """Return how a function is called, in one line or one argument a line."""
    parts = list(_parameters(function))
    arrow = f" -> {function.returns}" if function.returns else ""
    line = f"{function.name}({', '.join(parts)}){arrow}"
    if len(line) <= LIMIT:
        return [line]
    return [f"{function.name}(", *(f"    {part}," for part in parts), f"){arrow}"]


def _parameters(function: griffe.Function) -> Iterator[str]:
    starred = False
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind
        if kind is griffe.ParameterKind.keyword_only and not starred:
            starred = True
            yield "*"
        starred |= kind is griffe.ParameterKind.var_positional
        stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
        typed = f": {parameter.annotation}" if parameter.annotation else ""
        stated = parameter.default is not None and kind not in stars
        default = f"{' = ' if typed else '='}{parameter.default}" if stated else ""
        yield f"{stars.get(kind, '')}{parameter.name}{typed}{default}"


def settings_places() -> dict[str, str]:
    """Return where the classes of settings stand: on the page of their group."""
    places: dict[str, str] = {}
    for group, field in Settings.model_fields.items():
        for kind in classes(field.annotation):
            for owner in within(kind):
                path = f"{owner.__module__}.{owner.__name__}"
                places.setdefault(path, f"../settings/{group}.md")
    return places


def within(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a class of settings, what it is made from, and the classes of its keys."""
    yield from kind.__mro__[: kind.__mro__.index(Frozen)]
    for field in kind.model_fields.values():
        for part in classes(field.annotation):
            yield from within(part)


def _file(module: str) -> str:
    return f"{module.removeprefix('restock.').replace('.', '-')}.md"
