"""What a command is: its name, help, flags and settings. The kinds of command are in kinds.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from restock.cli.project import has_worked

if TYPE_CHECKING:
    from restock.cli.compose import Job
    from restock.commands.arguments import Arguments
    from restock.settings.base import Frozen
    from restock.settings.tree import Settings
    from restock.tracking.context import Context
    from restock.tracking.protocol import Parts


@dataclass(frozen=True)
class Flag:
    """A flag of restock's own.

    Attributes:
        name: The flag as it is typed.
        says: Its help text.
        value: Name of its value in the help; empty: it has no value.
    """

    name: str
    says: str
    value: str = ""


@dataclass(frozen=True)
class Names:
    """The names that a command takes before the overrides.

    Attributes:
        least, most: Smallest and largest number of names.
        shown: How the help shows them.
        asks: What an error asks for if one is missing.
    """

    least: int = 0
    most: int = 0
    shown: str = ""
    asks: str = ""

    def holds(self, word: str) -> bool:
        """Say whether a word is a name, not a flag or an override."""
        return not word.startswith("-") and "=" not in word


class SeriesName(Names):
    """The name of a series, which may be any text."""

    def holds(self, word: str) -> bool:
        """Say whether a word is a name, not a flag."""
        return not word.startswith("-")


NO_NAMES = Names()
DRY_RUN = "--dry-run"
PARAMS = Flag("--params", "read all settings from a file such as params.yaml", "FILE")


@dataclass(frozen=True)
class Typed:
    """The parts of a command line.

    Attributes:
        names: Names of what the command works on, such as a sweep or a version.
        flags: restock's flags with their values; "" for a flag without a value.
        hydra: Hydra's flags, with their values.
        overrides: Overrides of settings, in Hydra's form.
    """

    names: tuple[str, ...] = ()
    flags: dict[str, str] = field(default_factory=dict)
    hydra: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    @property
    def multirun(self) -> bool:
        """Whether there is a job for each combination of the overrides."""
        return bool({"-m", "--multirun"} & set(self.hydra))


@dataclass(frozen=True)
class Command:
    """A command that can be typed after `restock`.

    Attributes:
        name: Its name, and that of its module in commands/.
        group: Heading of its group in the help.
        says: Its help text, one sentence.
        examples: Two command lines.
        view: Its view of the settings: a class in commands/views.py, or a full name.
        names: The names that it takes.
        flags: Its own flags.
    """

    first: ClassVar[tuple[str, ...]] = ()  # overrides before those that are typed
    gathers: ClassVar[bool] = False  # collect all jobs of a multirun before any is run

    name: str
    group: str
    says: str
    examples: tuple[str, str]
    view: str = ""
    names: Names = NO_NAMES
    flags: tuple[Flag, ...] = ()

    def settings(self) -> type[Frozen]:
        """Return its view of the settings."""
        module, _, name = self.view.rpartition(".")
        found: type[Frozen] = getattr(import_module(module or "restock.commands.views"), name)
        return found

    def logged_as(self) -> str | None:
        """Return the name of the command that its runs are logged as; None: it logs no runs."""
        return None

    def all_flags(self) -> tuple[Flag, ...]:
        """Return the flags that it takes, besides Hydra's."""
        return (*self.flags, PARAMS)

    def start(self, typed: Typed) -> None:
        """Run what was typed. Each kind of command defines how."""
        raise NotImplementedError

    def can_start(self, settings: Settings, root: Path) -> bool:
        """Say whether there is anything to work on in a folder that is no project.

        Args:
            settings: As composed.
            root: The folder.
        """
        return has_worked(root, Path(settings.output_dir))

    def check(self, job: Job) -> None:
        """Refuse a job before anything is computed."""

    def folders(self, output: Path, job: Path | None) -> tuple[Path, Path]:
        """Return the folder to read from and the folder to write to.

        A job of a multirun reads from the output folder and writes to its own folder.

        Args:
            output: The output folder.
            job: The folder of a job of a multirun; None for a single run.
        """
        return output, job or output

    def run(self, context: Context[Any], arguments: Arguments) -> Parts:
        """Run it, and return the parts to show."""
        parts: Parts = import_module(f"restock.commands.{self.name}").run(context, arguments)
        return parts

    def finish(self, jobs: Sequence[Job]) -> None:
        """End a multirun, after all of its jobs were run or collected."""
