"""Hashes are DVC's own, and a changed input is named before anything is computed from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from restock.data.inputs import check_inputs, dvc_md5, hashes
from restock.errors import IntegrityError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which DVC tracks a panel's folder, as a pipeline's lock would say it."""
    panel = tmp_path / "outputs" / "panel"
    (panel / "b").mkdir(parents=True)
    for name in ("panel.parquet", "b-c.json", "b/z.json", "ü.txt"):
        (panel / name).write_text(f"content of {name}")

    def dvc(*arguments: str) -> None:
        command = [sys.executable, "-m", "dvc", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    dvc("init", "--no-scm")
    dvc("add", "outputs/panel")
    tracked = yaml.safe_load((tmp_path / "outputs/panel.dvc").read_text())["outs"][0]
    lock = {"stages": {"prepare": {"outs": [{"path": "outputs/panel", "md5": tracked["md5"]}]}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
    return tmp_path


def test_inputs_are_hashed_as_dvc_does(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    wanted = lock["stages"]["prepare"]["outs"][0]["md5"]
    found = hashes(["panel", "features"], Path("outputs"))
    assert found == {"panel": wanted}
    check_inputs(found, Path("outputs"), project)

    # One byte of a cached object, as it would be checked out: the file is named.
    (project / "outputs/panel/b/z.json").unlink()
    (project / "outputs/panel/b/z.json").write_text("content of b/z.jsom")
    with pytest.raises(IntegrityError, match=r"outputs/panel/b/z.json: md5 .* the pipeline wrote"):
        check_inputs(hashes(["panel"], Path("outputs")), Path("outputs"), project)

    (project / "outputs/panel/b/z.json").unlink()
    with pytest.raises(IntegrityError, match=r"outputs/panel/b/z.json: missing"):
        check_inputs(hashes(["panel"], Path("outputs")), Path("outputs"), project)


def test_a_file_is_hashed_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert dvc_md5(tmp_path / "a") == "5d41402abc4b2a76b9719d911017c592"  # RFC 1321's md5


def test_without_a_lock_nothing_is_promised(tmp_path: Path) -> None:
    (tmp_path / "panel").mkdir()
    check_inputs(hashes(["panel"], tmp_path), tmp_path, tmp_path)
