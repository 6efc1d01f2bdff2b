"""`make test-quick` runs what a change touches."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.touched import touched


@pytest.mark.parametrize(
    ("file", "among", "not_among"),
    [
        ("src/restock/decisions/stock.py", "decisions/test_plan.py", "windows/test_sequences.py"),
        ("src/restock/types/panel.py", "decisions/test_plan.py", "tracking/test_spool.py"),
        ("src/restock/pages/assets/page.css", "pages/test_shell.py", "data/test_clean.py"),
        ("tests/support/losses.py", "champions/test_verdict.py", "data/test_clean.py"),
        ("tests/integration/test_ray.py", "integration/test_ray.py", "data/test_clean.py"),
        ("dvc.yaml", "architecture/test_pipeline.py", "data/test_clean.py"),
        ("docs/ideas.md", "docs/test_generated.py", "data/test_clean.py"),
    ],
)  # fmt: skip
def test_a_change_touches_what_imports_or_names_it(file: str, among: str, not_among: str) -> None:
    found = touched([Path(file)])
    assert Path("tests", among) in found
    assert Path("tests", not_among) not in found
