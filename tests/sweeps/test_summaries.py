"""The list of sweeps."""

from __future__ import annotations

from pathlib import Path

from restock.sweeps.optuna.summaries import summaries


def test_to_list_sweeps_where_none_was_launched_leaves_no_database(tmp_path: Path) -> None:
    assert summaries(f"sqlite:///{tmp_path}/optuna.db") == []
    assert list(tmp_path.iterdir()) == []
