"""dvc.yaml, params.yaml and the code agree: dependencies, parameters, outputs."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from restock.cli.dispatch import STAGES
from restock.cli.params import composed
from restock.config import Frozen, Settings, known_paths, parse_settings
from restock.stages.context import Context
from restock.tracking.memory import NullTracker
from restock.types.layout import Layout
from support.builders import settings, table
from support.inline import run_inline
from support.quiet import QuietConsole

ROOT = Path(__file__).parents[2]
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


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


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("restock")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_exactly_the_code_it_reaches(
    stage: str, graph: grimp.ImportGraph
) -> None:
    module = f"restock.stages.{stage}"
    reached = set()
    for name in graph.find_upstream_modules(module) | {module}:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        path = Path(spec.origin).relative_to(ROOT)
        if path.name != "__init__.py":
            reached.add(path)
    declared = [Path(d) for d in PIPELINE[stage]["deps"] if d.startswith("src/")]
    uncovered = {p for p in reached if not any(p.is_relative_to(d) for d in declared)}
    assert not uncovered
    unused = {d for d in declared if not any(p.is_relative_to(d) for p in reached)}
    assert not unused


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Run every stage on a small table and record which settings each one reads."""
    folder = tmp_path_factory.mktemp("pipeline")
    rows = table(4, 60).assign(price=2.0, cancelled="no", code="12345")
    rows.loc[0, "sales"] = -1
    rows.to_csv(folder / "own.csv", index=False)
    every_rule = {
        "drop_duplicate_rows": True,
        "keep_matching": {"code": r"^\d+$"},
        "cancellations": {
            "column": "cancelled", "prefix": "yes", "match": ["item"], "quantity": "sales",
        },
    }  # fmt: skip
    chosen = settings(
        data={
            "source": {"kind": "file", "path": str(folder / "own.csv")},
            "aggregation": "sum",
            "negative": "clip",
            "rules": every_rule,
            "derived_static": {"band": {"column": "price", "how": "band", "edges": [1.0]}},
        },
        features={"calendar": ["week"]},
        inventory={"unit_value": None},
        search={"num_trials": 1},
    )
    context = Context(Layout.at(folder / "out"), NullTracker(), QuietConsole(), folder)
    recorded: dict[str, set[str]] = {}
    # What a worker's process reads would not be seen from here.
    monkeypatch = pytest.MonkeyPatch()
    inline = partial(run_inline, folder / ".restock/sweeps")
    monkeypatch.setattr("restock.stages.sweep.run_crew", inline)
    for stage in STAGES:
        with recording() as paths:
            importlib.import_module(f"restock.stages.{stage}").run(chosen, context)
        recorded[stage] = paths
    monkeypatch.undo()
    return recorded


class recording:  # noqa: N801 - reads as a statement
    """Record the path of every setting that is read, whichever copy it is read from."""

    def __enter__(self) -> set[str]:
        paths: set[str] = set()
        where = prefixes(Settings)
        self.original = Frozen.__getattribute__

        def watched(model: Any, name: str) -> Any:
            value = object.__getattribute__(model, name)
            cls = type(model)
            # What is read while a value is checked or copied is no use of the value.
            reader = sys._getframe(1).f_globals["__name__"]
            used = reader != "restock.config" and not reader.startswith("pydantic")
            if used and name in cls.model_fields and cls in where and not isinstance(value, Frozen):
                paths.add(where[cls] + name)
            return value

        Frozen.__getattribute__ = watched  # type: ignore[method-assign, assignment]
        return paths

    def __exit__(self, *_: object) -> None:
        Frozen.__getattribute__ = self.original  # type: ignore[method-assign]


def prefixes(model: type[Frozen], prefix: str = "") -> dict[type[Frozen], str]:
    """Return where each settings class stands. Each stands in one place only."""
    found = {model: prefix}
    for name, field in model.model_fields.items():
        for candidate in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, Frozen):
                found |= prefixes(candidate, f"{prefix}{name}.")
    return found


def covers(declared: str, path: str) -> bool:
    return path == declared or path.startswith(declared + ".")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_exactly_the_params_it_reads(
    stage: str, reads: dict[str, set[str]]
) -> None:
    declared = PIPELINE[stage].get("params", [])
    # A trained bundle brings the settings that its inputs are made and its answers read with.
    uses_bundle = stage in ("evaluate", "forecast")
    allowed = (*declared, *(("features", "windows", "model.likelihood") if uses_bundle else ()))
    undeclared = {p for p in reads[stage] if not any(covers(d, p) for d in allowed)}
    assert not undeclared
    unread = {d for d in declared if not any(covers(d, p) for p in reads[stage])}
    assert not unread


def test_declared_params_exist() -> None:
    known = set(known_paths())
    for stage in STAGES:
        for path in PIPELINE[stage].get("params", []):
            assert path in known, (stage, path)


def test_a_change_of_units_touches_neither_fetch_nor_prepare_nor_featurize() -> None:
    touched = {
        stage
        for stage in STAGES
        if any(covers(p, "model.units") for p in PIPELINE[stage].get("params", []))
    }
    assert touched == {"tune", "train"}


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
