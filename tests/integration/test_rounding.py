"""What is rounded alike whatever imports TensorFlow first, and on whichever processor."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("module", ["export", "lstm.backend", "lstm.network", "lstm.save"])
def test_whatever_is_imported_first_tensorflow_rounds_alike(module: str) -> None:
    code = (
        f"import restock.forecasters.{module}, os\n"
        "assert os.environ['TF_ENABLE_ONEDNN_OPTS'] == '0'\n"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "oneDNN custom operations are on" not in done.stderr


# NumPy computes logarithms, and OpenBLAS products, by the instructions that a processor has.
OLDER = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL "
    "AVX512_ICL AVX512_SPR AVX2 FMA3",
    "OPENBLAS_CORETYPE": "Nehalem",
}
CONSTANTS = """
import numpy as np, pandas as pd
from restock.features.fit import fit_state
from support.builders import features, panel
settings = features(calendar=["week", "month"], holidays="GB", seasonal_lag=10)
sizes = np.random.default_rng(1).normal(size=50)
static = pd.DataFrame({"kind": np.resize(list("abcdefg"), 50), "size": sizes})
print(fit_state(panel(50, 200, static=static), settings, np.full(50, 180)))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the names are those of x86-64")
def test_constants_are_the_same_on_an_older_processor() -> None:
    here, older = constants({}), constants(OLDER)
    assert "anchor_1_error" in here
    assert older == here


def constants(processor: dict[str, str]) -> str:
    tests = str(Path(__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": tests, "PYTHONWARNINGS": "ignore", **processor}
    done = subprocess.run(
        [sys.executable, "-c", CONSTANTS], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout
