"""Which unit tests a change touches: `make test-quick` runs them.

    python -m support.touched          (prints them; what was changed is said on stderr)

A test is touched if it imports what was changed, directly or through other modules, or if it names
the folder or file of the project that was. Integration tests start processes, and no import tells
what these run: of them, only those that were changed themselves are touched.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"


def changed() -> list[Path]:
    """Return the files that differ from the last commit; if none does, those of that commit."""
    now = _git("diff", "--name-only", "HEAD") + _git("ls-files", "--others", "--exclude-standard")
    return [Path(name) for name in now or _git("diff", "--name-only", "HEAD~1", "HEAD")]


def _git(*arguments: str) -> list[str]:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def touched(files: Iterable[Path]) -> list[Path]:
    """Return the test files that changed files touch.

    Args:
        files: Paths below the project.
    """
    files = list(files)
    graph = grimp.build_graph("restock")
    code = {module for file in files for module in _modules(file, graph.modules)}
    for module in tuple(code):
        code |= graph.find_downstream_modules(module)
    named = {f'"{file.parts[0]}' for file in files if file.parts[0] not in ("src", "tests")}
    helpers = _imports_of_helpers()
    return sorted(
        test.relative_to(ROOT)
        for test in TESTS.rglob("test_*.py")
        if test.relative_to(ROOT) in files
        or ("integration" not in test.parts and _is_touched(test, code, named, files, helpers))
    )


def _modules(file: Path, known: set[str]) -> set[str]:
    """Return the modules that a file is, or that stand beside it if it is none."""
    if file.parts[:2] != ("src", "restock"):
        return set()
    name = ".".join(file.relative_to("src").with_suffix("").parts).removesuffix(".__init__")
    if name in known:
        return {name}
    room = ".".join(file.parts[1:3])
    return {module for module in known if module.startswith(f"{room}.")}


def _imports_of_helpers() -> dict[str, set[str]]:
    """Return what each module of support/ imports, by its name, through others of them, too."""
    found = {f"support.{file.stem}": _imports(file) for file in TESTS.glob("support/*.py")}
    for _ in found:  # each round adds what is one step further
        for name, imports in found.items():
            found[name] = imports.union(*(found[i] for i in imports if i in found))
    return found


def _is_touched(
    test: Path, code: set[str], named: set[str], files: list[Path], helpers: dict[str, set[str]]
) -> bool:
    imports = _imports(test)
    imports = imports.union(*(helpers[name] for name in imports if name in helpers))
    changed_helpers = {f"support.{file.stem}" for file in files if "support" in file.parts}
    text = test.read_text(encoding="utf-8")
    return bool(imports & (code | changed_helpers)) or any(name in text for name in named)


def _imports(file: Path) -> set[str]:
    """Return the modules that a file imports; of `from a import b`, both `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


if __name__ == "__main__":
    files = changed()
    print(f"changed: {', '.join(map(str, files))}", file=sys.stderr)
    print(*touched(files), sep="\n")
