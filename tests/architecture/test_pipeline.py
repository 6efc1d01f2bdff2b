"""dvc.yaml, params.yaml and the stages agree: dependencies, parameters, outputs."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from restock.cli.params import composed
from restock.settings.base import Frozen, classes
from restock.settings.tree import Settings, parse_settings
from restock.stages.pipeline import PIPELINE
from restock.sweeps.spec import DECIDING
from restock.tracking.code import PACKAGE, needed_files

ROOT = Path(__file__).parents[2]
DECLARED = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def test_params_yaml_is_what_conf_composes_to() -> None:
    assert (ROOT / "params.yaml").read_text() == composed(ROOT / "conf")


def test_params_yaml_is_what_dvc_itself_would_write(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from dvc.utils.hydra import compose_and_dump\n"
        "compose_and_dump(sys.argv[2], sys.argv[1], None, 'config', sys.argv[1], [])\n"
    )
    out = tmp_path / "params.yaml"
    subprocess.run([sys.executable, "-c", code, str(ROOT / "conf"), str(out)], check=True)
    assert out.read_text() == (ROOT / "params.yaml").read_text()


def test_every_stage_is_declared_and_no_other() -> None:
    assert set(DECLARED) == {"composed", *PIPELINE}
    for name in PIPELINE:
        assert DECLARED[name]["cmd"] == f"restock {name} --params params.yaml"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("restock", exclude_type_checking_imports=True)


def reached(graph: grimp.ImportGraph, stage: str) -> set[Path]:
    """The files that a stage's module imports, directly or not."""
    module, found = f"restock.stages.{stage}", set()
    for name in graph.find_upstream_modules(module) | {module}:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        found.add(Path(spec.origin).relative_to(ROOT))
    return {path for path in found if path.name != "__init__.py"}


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_depends_on_exactly_the_code_it_reaches(
    stage: str, graph: grimp.ImportGraph
) -> None:
    files = reached(graph, stage)
    declared = [Path(d) for d in DECLARED[stage]["deps"] if d.startswith("src/")]
    assert {p for p in files if not any(p.is_relative_to(d) for d in declared)} == set()
    # Of a folder that is declared, every module is reached: a new one there is the stage's own.
    covered = {p for d in declared for p in python_files(d)}
    assert covered - files == set()


def python_files(path: Path) -> set[Path]:
    files = (ROOT / path).rglob("*.py") if (ROOT / path).is_dir() else [ROOT / path]
    return {file.relative_to(ROOT) for file in files if file.name != "__init__.py"}


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stages_view_is_what_dvc_holds_it_to(stage: str) -> None:
    assert set(DECLARED[stage].get("params", [])) == set(paths_of(PIPELINE[stage].view))


def paths_of(view: type[Frozen], whole: type[Frozen] = Settings, prefix: str = "") -> list[str]:
    """The settings that a view has: whole groups where it has all of one."""
    found = []
    for name, field in view.model_fields.items():
        part, group = field.annotation, whole.model_fields[name].annotation
        if isinstance(part, type) and issubclass(part, Frozen) and part is not group:
            # Of a union of kinds, a view has what all of them have.
            found += paths_of(part, classes(group)[0], f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stages_files_are_what_dvc_tracks(stage: str) -> None:
    declared, value = DECLARED[stage], PIPELINE[stage]
    deps = {d.removeprefix("outputs/") for d in declared["deps"] if d.startswith("outputs/")}
    assert deps == set(value.reads)
    outs = [*declared.get("outs", []), *declared.get("metrics", []), *declared.get("plots", [])]
    names = {next(iter(out)) if isinstance(out, dict) else out for out in outs}
    assert {name.removeprefix("outputs/") for name in names} == set(value.writes)
    assert set(getattr(value, "keeps", ())) <= set(value.writes)


def test_a_stage_that_runs_later_writes_nothing_that_was_read_before() -> None:
    written: set[str] = set()
    for stage in PIPELINE.values():
        assert set(stage.reads) <= written
        assert not set(stage.writes) & written
        written |= set(stage.writes)


def test_what_our_own_walk_finds_is_what_an_independent_one_does(graph: grimp.ImportGraph) -> None:
    for stage in PIPELINE:
        ours = needed_files([f"restock.stages.{stage}"])
        found = {path.relative_to(ROOT) for path in ours if path.name != "__init__.py"}
        assert found == reached(graph, stage)


def test_no_module_imports_one_that_needs_it(graph: grimp.ImportGraph) -> None:
    needs = {module: graph.find_upstream_modules(module) for module in graph.modules}
    assert [module for module, needed in needs.items() if module in needed] == []
    circles = [
        (module, other)
        for module in graph.modules
        for other in graph.find_modules_directly_imported_by(module)
        if module in needs[other]
    ]
    assert circles == []


def test_no_stage_and_no_trial_depends_on_all_settings_or_on_another_wing() -> None:
    wings = ("cli", "commands", "champions", "service", "watch", "suppliers", "routing")
    for modules in (*([f"restock.stages.{stage}"] for stage in PIPELINE), DECIDING):
        names = {path.relative_to(PACKAGE).as_posix() for path in needed_files(modules)}
        assert "settings/tree.py" not in names
        assert "stages/pipeline.py" not in names
        assert not {name for name in names if name.split("/")[0] in wings}


def test_every_experiment_composes_and_checks() -> None:
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    overrides = [f"experiment={path.stem}" for path in (ROOT / "conf/experiment").glob("*.yaml")]
    overrides += [f"debug={path.stem}" for path in (ROOT / "conf/debug").glob("*.yaml")]
    overrides += [f"tracking={path.stem}" for path in (ROOT / "conf/tracking").glob("*.yaml")]
    assert len(overrides) >= 6
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for override in overrides:
            tree: Any = OmegaConf.to_container(compose("config", [override]), resolve=True)
            parse_settings(tree, where=override)


def test_every_dependency_is_named_with_a_file_that_exists() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    named = [
        line for line in lines if ".py" in line and line.strip().startswith('"') and "#" in line
    ]
    assert len(named) >= 10
    for line in named:
        for word in line.split("#", 1)[1].replace(",", " ").replace(":", " ").split():
            if word.endswith(".py"):
                assert (ROOT / "src/restock" / word).is_file(), line


def test_no_module_is_longer_than_350_lines() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path.name for path, count in lines.items() if count > 350} == set()


def test_settings_are_explained_beneath_each_key_one_module_a_group() -> None:
    groups = {path.name for path in (ROOT / "conf").iterdir() if path.is_dir()}
    modules = {path.stem for path in (PACKAGE / "settings").glob("*.py")} - {"__init__"}
    parts = {"base", "recipe", "tree", "sweep", "source", "panel", "folds", "baselines", "costs"}
    parts |= {"earlier", "frequency"}
    assert modules == groups - {"debug", "experiment", "preset"} | parts
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and is_settings(node):
                assert not list(unexplained(node)), (path, node.name)


def is_settings(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base) for base in node.bases}
    return any(b in {"Frozen", "View"} or b.endswith(("Settings", "View")) for b in bases)


def unexplained(node: ast.ClassDef) -> list[str]:
    """Keys of a settings class beneath which nothing says what they mean."""
    found = []
    for key, below in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(key, ast.AnnAssign):
            continue
        says = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if not says:
            found.append(ast.unparse(key.target))
    return found
