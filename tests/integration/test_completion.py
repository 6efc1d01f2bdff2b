"""Tab in real shells: the function of bash by itself, and both shells as a person uses them."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from restock.champions.moves import Move, mirror_of
from restock.sweeps.local import sweep_names
from restock.sweeps.places import STUDY_FILE
from support.services import absent
from support.small_project import ROOT, environment
from support.studies import launched

MODULES = {"hydra", "numpy", "pandas", "mlflow", "tensorflow", "rich", "pydantic", "optuna"}
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "--no-rcs", "-i"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a sweep, and a model whose versions 2 and 10 have been champion."""
    folder = tmp_path_factory.mktemp("a project")
    shutil.copytree(ROOT / "conf", folder / "conf")
    shutil.copy(ROOT / "dvc.yaml", folder)
    launched(f"sqlite:///{folder / STUDY_FILE}").opened.close()
    moves = [Move(1, "promote", None, "2", "first"), Move(2, "promote", "2", "10", "better")]
    mirror_of(folder, "m").append(moves)
    return folder


def complete(folder: Path, *words: str) -> list[str]:
    """Ask bash what Tab would offer for the last of the words after `restock`."""
    script = """
    eval "$(restock --shell-completion install=bash)"
    COMP_WORDS=(restock "$@"); COMP_CWORD=$#
    _restock
    for word in "${COMPREPLY[@]}"; do echo "<$word>"; done
    """
    done = subprocess.run(
        ["bash", "-uc", script, "bash", *words], cwd=folder, env=environment(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return re.findall(r"<(.*)>", done.stdout)


def test_bash_is_offered_names_without_anything_heavy_imported(project: Path) -> None:
    assert complete(project, "resume", "") == sweep_names(project)
    assert complete(project, "rollback", "--to", "") == ["10", "2"]
    code = (
        "import sys\n"
        "from restock.cli.main import main\n"
        "main(['--shell-completion', 'query', *sys.argv[1:]])\n"
        f"assert not {MODULES} & set(sys.modules), {MODULES} & set(sys.modules)\n"
    )
    for words in (["resume", ""], ["card", ""], ["tr"], ["history", "--"]):
        subprocess.run([sys.executable, "-c", code, *words], cwd=project / "conf", check=True)


def test_bash_is_offered_groups_choices_and_settings(project: Path) -> None:
    assert complete(project, "train", "model.u") == ["model.units="]
    assert complete(project, "train", "model.units=") == ["model.units=64"]
    assert complete(project, "train", "debug=t") == ["debug=tiny"]
    assert complete(project, "train", "experim") == ["experiment="]
    assert "model.likelihood=" in complete(project, "train", "model=lstm_counts", "model.")
    assert complete(project, "promote", "promotion.conf") == ["promotion.confidence="]
    assert complete(project, "train", "-m", "model=lstm,lstm_counts", "search/tu") == [
        "search/tuner="
    ]
    assert complete(project, "train", "tracking.uri=http", ":", "//host", "debug=t") == [
        "debug=tiny"
    ]


def test_bash_is_offered_the_data_of_ones_own_folder(project: Path) -> None:
    own = project / "my_conf/data"
    own.mkdir(parents=True)
    (own / "shop.yaml").write_text("defaults: [base, _self_]\n")
    assert complete(project, "run", "--config-dir", "my_conf", "data=s") == ["data=shop"]
    assert complete(project, "run", "data=s") == []


def test_bash_is_offered_nothing_where_there_is_nothing(tmp_path: Path) -> None:
    for words in (["resume", ""], ["card", "1"], ["trian", ""], ["train", "modle.u"]):
        assert complete(tmp_path, *words) == []
    assert list(tmp_path.iterdir()) == []


def pressed(shell: str, folder: Path, line: str) -> str:
    """Type a line into an interactive shell, press Tab, and return what stands there then.

    A plus shows where the cursor is then; Home, and "echo" before the line, let the shell say it.
    """
    if shutil.which(shell) is None:
        absent(f"no {shell}")
    env = {**environment(), "TERM": "dumb", "HOME": str(folder), "ZDOTDIR": str(folder)}
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        START[shell], cwd=folder, env=env, stdin=follower, stdout=follower, stderr=follower,
        start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    install = f'eval "$(restock --shell-completion install={shell})"; echo rea""dy'
    try:
        os.write(leader, f"{install}\n".encode())
        read_until(leader, r"(?m)^ready")
        os.write(leader, f"{line}\t+".encode() + b"\x01echo BEG''IN \x05 END\n")
        return read_until(leader, r"(?m)^BEGIN (.*) END")
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def read_until(terminal: int, pattern: str) -> str:
    said, until = "", time.monotonic() + 60
    while time.monotonic() < until:
        said += os.read(terminal, 4096).decode(errors="replace").replace("\r", "")
        found = re.search(pattern, said)
        if found:
            return found.group(found.lastindex or 0)
    raise AssertionError(said)


@pytest.mark.parametrize("shell", list(START))
@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("restock resu", "restock resume "),
        ("restock resume ", "restock resume {sweep} "),
        ("restock history --ref", "restock history --refresh "),
        ("restock rollback --to 1", "restock rollback --to 10 "),
        ("restock train model.u", "restock train model.units="),
        ("restock train debug=t", "restock train debug=tiny "),
        ("restock train --config-dir con", "restock train --config-dir conf/"),
        ("restock stop x", "restock stop x"),
    ],
)
def test_tab_pressed_in_a_shell(shell: str, line: str, becomes: str, project: Path) -> None:
    (sweep,) = sweep_names(project)
    assert pressed(shell, project, line) == becomes.format(sweep=sweep) + "+"
