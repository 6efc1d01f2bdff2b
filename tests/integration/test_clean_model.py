"""A registered model in an environment that holds its pinned requirements and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from restock.champions.model import EXAMPLE, SMOKE
from support.bundles import registered
from support.services import absent

ROOT = Path(__file__).parents[2]
ASK = """\
import importlib.util, sys, mlflow, pandas
assert not any(importlib.util.find_spec(name) for name in ("restock", "tensorflow", "keras"))
model = mlflow.pyfunc.load_model(sys.argv[1])
model.predict(pandas.read_json(sys.argv[2], orient="table")).to_json(sys.argv[3], orient="table")
"""


@pytest.mark.filterwarnings("ignore:Operation with range:DeprecationWarning")
def test_it_loads_and_answers_as_where_it_was_made(tmp_path: Path) -> None:
    model = registered(tmp_path)
    python = environment_of(model, tmp_path / "clean")
    example, answer = tmp_path / "example.json", tmp_path / "answer.json"
    pd.read_parquet(model / EXAMPLE).to_json(example, orient="table", index=False)
    command = [str(python), "-c", ASK, str(model), str(example), str(answer)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found, stored = pd.read_json(answer, orient="table"), pd.read_parquet(model / SMOKE)
    pd.testing.assert_frame_equal(found, stored, check_dtype=False, rtol=1e-6)


def environment_of(model: Path, folder: Path) -> Path:
    """Install a model's requirements alone, by uv."""
    uv = shutil.which("uv") or str(ROOT / ".tools/bin/uv")
    if not Path(uv).is_file():
        absent("no uv at hand")
    python = folder / "bin/python"
    install = [uv, "pip", "install", "-q", "--python", str(python), "-r", "requirements.txt"]
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    done = subprocess.run(install, cwd=model, capture_output=True, text=True, check=False)
    if done.returncode:
        absent(f"no package index answers: {done.stderr.strip()}")
    return python
