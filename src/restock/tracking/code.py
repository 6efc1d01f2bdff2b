"""Find the modules of restock that a module needs, from its imports, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import restock

PACKAGE = Path(restock.__file__).parent


def needed_files(modules: Iterable[str]) -> list[Path]:
    """Return the files of some modules and of all modules that they import, also inside functions.

    Imports for type checkers only are left out. The ``__init__`` files of the folders are included.

    Args:
        modules: Full names, such as ``restock.forecasters.bundle``.
    """
    found: set[Path] = set()
    waiting = [path for module in modules for path in _files(module)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return sorted(found)


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [name for node in _running(tree) for name in _names(node)]
    return tuple(file for name in names for file in _files(name))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Walk over all nodes that can run: not over those below ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _running(child)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module is not None:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _files(module: str) -> list[Path]:
    """Return a module's file and its folders' ``__init__``; nothing for another package."""
    first, *parts = module.split(".")
    if first != PACKAGE.name:
        return []
    base = PACKAGE.joinpath(*parts)
    own = base.with_suffix(".py") if parts else PACKAGE / "__init__.py"
    folders = [folder / "__init__.py" for folder in (base, *base.parents) if folder.is_dir()]
    inside = [path for path in folders if path.is_relative_to(PACKAGE) and path.is_file()]
    return [own, *inside] if own.is_file() else inside
