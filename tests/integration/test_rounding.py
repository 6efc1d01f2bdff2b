"""How TensorFlow rounds does not depend on which of our modules imports it first."""

from __future__ import annotations

import os
import subprocess
import sys

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
