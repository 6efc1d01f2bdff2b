"""The errors a person can act on. Everything else that is raised is a defect of ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RestockError(Exception):
    """Base of every error that the command line prints as a sentence, without a traceback."""

    exit_code = 1


class UserError(RestockError, ValueError):
    """Something the user gave cannot be used: what, where, what was expected, what to do."""

    exit_code = 2


class DataError(UserError):
    """A table cannot be used as it is."""


class RejectedError(RestockError):
    """A table can be used, but not all of its rows."""

    exit_code = 3


class ConfigError(UserError):
    """A setting is unknown, missing, or contradicts another one."""


class UnreachableError(RestockError):
    """Something outside this machine did not answer."""


class DiskFullError(RestockError):
    """There is no room left for a file."""


class LockedError(RestockError):
    """Another process holds what is needed, and did not let go in time."""


class StoppedError(RestockError):
    """A person, or the system, asked to stop by a signal."""

    def __init__(self, message: str = "stopped", signal_number: int = 15) -> None:
        """Remember the signal: the exit code is 128 plus its number, as shells expect."""
        super().__init__(message)
        self.exit_code = 128 + signal_number


class IntegrityError(RestockError):
    """Bytes are not the ones that were promised."""


class ConflictError(RestockError):
    """Somebody else changed what was about to be changed."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean ...? " for an unknown name; nothing if none is near."""
    close = _close(name, known)
    return f"Did you mean {close[0]!r}? " if close else ""


def nearest(name: str, known: Iterable[str], most: int = 20) -> str:
    """Return "Did you mean ...? Known: ..." for an unknown name; of many names, the close ones."""
    names = sorted(known)
    hint = did_you_mean(name, names)
    if len(names) > most:
        return f"{hint}Close: {', '.join(_close(name, names)) or 'none'} (of {len(names)})."
    return f"{hint}Known: {', '.join(names)}."


def _close(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, sorted(known), n=5, cutoff=0.5)
