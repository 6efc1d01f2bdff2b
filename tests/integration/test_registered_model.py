"""What is registered: a bundle, and the rooms of ours that it needs and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from restock.champions.model import EXAMPLE, REQUIREMENTS, SMOKE
from restock.champions.verify import load_in_clean_process
from restock.errors import IntegrityError
from support.bundles import registered

# MLflow compares an index with a range to infer a signature.
pytestmark = pytest.mark.filterwarnings("ignore:Operation with range:DeprecationWarning")

# Of each room what a bundle is loaded and answers with.
CARRIED = {
    "champions": "pyfunc",
    "data": "categories clean dates files findings folds frequency gaps numbers raw roles rules "
    "series_rules statics validation",
    "decisions": "demand plan value",
    "": "errors",
    "features": "anchors calendar cold columns history maker names raw scaling seasons state "
    "statics",
    "forecasters": "assemble bundle combine likelihoods names safety",
    "forecasters/baselines": "ets forest intermittent points simple spread theta",
    "settings": "base baselines costs features folds frequency inventory model panel "
    "source windows",
    "types": "anchors features folds forecast panel seasons",
    "windows": "sequences",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return registered(tmp_path_factory.mktemp("registered"))


def test_it_holds_what_a_bundle_needs_and_no_other_room(model: Path) -> None:
    code = model / "code/restock"
    files = {path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file()}
    own = {name for name in files if not name.endswith("__init__.py")}
    assert own == {
        f"{room}/{name}.py".lstrip("/") for room, names in CARRIED.items() for name in names.split()
    }
    outside = {path.relative_to(model).parts[0] for path in model.rglob("*") if path.is_file()}
    assert outside == {
        *("MLmodel", "artifacts", "code", "conda.yaml", "python_env.yaml", "requirements.txt"),
        *("input_example.json", "serving_input_example.json", "pyfunc.py", EXAMPLE, SMOKE),
    }


def test_its_requirements_are_pinned_and_those_of_serving(model: Path) -> None:
    lines = (model / "requirements.txt").read_text().split()
    assert all("==" in line for line in lines)
    assert sorted(line.split("==")[0] for line in lines) == sorted(["mlflow", *REQUIREMENTS])


def test_a_clean_process_answers_as_it_was_answered_here(model: Path, tmp_path: Path) -> None:
    load_in_clean_process(model, tmp_path / "answer.parquet")
    found, stored = pd.read_parquet(tmp_path / "answer.parquet"), pd.read_parquet(model / SMOKE)
    pd.testing.assert_frame_equal(found, stored)


def test_a_model_that_lacks_a_module_is_refused(model: Path, tmp_path: Path) -> None:
    needed = model / "code/restock/decisions/demand.py"
    content = needed.read_bytes()
    needed.unlink()
    try:
        with pytest.raises(IntegrityError, match="does not load in a clean process"):
            load_in_clean_process(model, tmp_path / "answer.parquet")
    finally:
        needed.write_bytes(content)


def test_it_runs_by_the_code_it_carries_where_another_version_is_installed(model: Path) -> None:
    carried = model / "code/restock/decisions/demand.py"
    content = carried.read_bytes()
    carried.write_bytes(content + b"\n# another version\n")
    code = (
        "import sys, mlflow, restock.settings.base\n"
        "mlflow.pyfunc.load_model(sys.argv[1])\n"
        "print(sys.modules['restock.decisions.demand'].__file__)\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True
        )
    finally:
        carried.write_bytes(content)
    assert done.stdout.strip() == str(carried)
