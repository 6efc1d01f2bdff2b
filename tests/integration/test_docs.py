"""What the documentation shows is run: the example of docs/library.md, as a reader pastes it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_notebook_example_runs_and_prints_scores_and_a_plan(tmp_path: Path) -> None:
    page = (ROOT / "docs/library.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^mix: wql 0\.\d+, by origin", done.stdout, re.MULTILINE)
    assert re.search(r"seasonal_naive: wql 0\.\d+", done.stdout)
    assert "order_quantity" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"sales.csv", "bundle"}
