"""The command line as a person types it: real processes, real exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESTOCK = str(Path(sys.executable).with_name("restock"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "no command 'trian'. Did you mean 'train'?"),
        (["train", "modle.units=3"], "no setting 'modle.units'. Did you mean 'model.units'?"),
        (["train", "model.units=many"], "model.units: Input should be a valid integer"),
    ],
)
def test_a_mistake_ends_the_process_with_2_and_no_traceback(
    arguments: list[str], message: str
) -> None:
    done = subprocess.run(
        [RESTOCK, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
