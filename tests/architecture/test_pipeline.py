"""dvc.yaml, params.yaml and the code agree: dependencies, parameters, outputs."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from restock.cli.dispatch import STAGES
from restock.cli.params import composed
from restock.settings.tree import parse_settings

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
