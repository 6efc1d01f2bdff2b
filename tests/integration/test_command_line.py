"""The command line as a person types it: real processes, real exit codes, a real shell."""

from __future__ import annotations

import os
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


def complete(line: str, tmp_path: Path) -> list[str]:
    """Ask bash what Tab would offer at the end of a line."""
    script = f"""
    eval "$(restock --shell-completion install=bash)"
    COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}
    COMP_WORDS=($COMP_LINE); [[ "$COMP_LINE" == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
    compopt() {{ :; }}
    _restock
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    env = {**os.environ, "PATH": f"{Path(RESTOCK).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_tab_completes_commands_and_overrides(tmp_path: Path) -> None:
    assert complete("restock tr", tmp_path) == ["train"]
    assert "model.units=" in complete("restock train model.u", tmp_path)
    assert "debug=tiny" in complete("restock train debug=t", tmp_path)
