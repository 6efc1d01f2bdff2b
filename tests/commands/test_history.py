"""The history of a champion as people read it, without a server and without waiting for pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from restock.champions.moves import Move, mirror_of
from restock.commands import history
from restock.commands.arguments import Arguments
from support.builders import settings
from support.stages import context


@pytest.fixture
def project(tmp_path: Path) -> Path:
    at = ("2026-01-02T10:00:00+00:00", "2026-03-04T11:30:00+00:00")
    mirror_of(tmp_path, "online_retail").append(
        [
            Move(1, "promote", None, "1", "first", commit="a" * 40, at=at[0]),
            Move(2, "promote", "1", "2", "better", commit="b" * 40 + "-dirty", at=at[1]),
        ]
    )
    return tmp_path


def test_the_newest_is_first_and_lasts_until_now(project: Path) -> None:
    chosen = settings(tracking={"name": "mlflow", "model_name": "online_retail"})
    (_, rows), (_, why) = history.run(context(chosen, project), Arguments())
    assert [(row["version"], row["from"], row["until"]) for row in rows] == [
        ("2", "2026-03-04 11:30", "now"),
        ("1", "2026-01-02 10:00", "2026-03-04 11:30"),
    ]
    assert [row["commit"] for row in rows] == ["bbbbbbbb+", "aaaaaaaa"]
    assert why == "2: better\n1: first"


def test_reading_the_mirror_imports_neither_mlflow_nor_pandas(project: Path) -> None:
    code = (
        "import sys\n"
        "from restock.cli.main import main\n"
        "assert main(['history']) == 0\n"
        "print(sorted({'mlflow', 'pandas'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    assert "better" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
