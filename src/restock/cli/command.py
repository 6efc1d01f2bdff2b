"""What a command is, to whoever lists it, takes it apart or runs it; its kinds are in kinds.py."""

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
    """A flag of ours.

    Attributes:
        name: As it is typed.
        says: What it does.
        value: What its value is called; empty: it has none.
    """

    name: str
    says: str
    value: str = ""


@dataclass(frozen=True)
class Names:
    """How many names a command takes before the overrides, and how to ask for them."""

    least: int = 0
    most: int = 0
    shown: str = ""
    asks: str = ""

    def holds(self, word: str) -> bool:
        """Tell a name from a flag or an override."""
        return not word.startswith("-") and "=" not in word


class SeriesName(Names):
    """The name of a series, which may be any text."""

    def holds(self, word: str) -> bool:
        """Tell a name from a flag."""
        return not word.startswith("-")


NO_NAMES = Names()
DRY_RUN = "--dry-run"
PARAMS = Flag("--params", "read composed settings from a file, as dvc.yaml does", "FILE")


@dataclass(frozen=True)
class Typed:
    """The parts of a command line.

    Attributes:
        names: What the command is about.
        flags: Ours, with their values; "" for those that have none.
        hydra: Hydra's flags, with their values.
        overrides: As Hydra takes them.
    """

    names: tuple[str, ...] = ()
    flags: dict[str, str] = field(default_factory=dict)
    hydra: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    @property
    def multirun(self) -> bool:
        """Whether a job for each combination of the overrides is asked for."""
        return bool({"-m", "--multirun"} & set(self.hydra))


@dataclass(frozen=True)
class Command:
    """What may be typed after `restock`.

    Attributes:
        name: Its name, and that of its module in commands/.
        group: Under which heading the help lists it.
        says: What it does, in a sentence.
        examples: Two command lines.
        view: Its view of the settings, in commands/views.py or by its full name.
        names: What it is about.
        flags: Its own flags.
    """

    first: ClassVar[tuple[str, ...]] = ()  # overrides that stand before those that are typed
    gathers: ClassVar[bool] = False  # all jobs of a multirun, before any is run

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
        """Return which command its runs are logged as; None: it opens none here."""
        return None

    def all_flags(self) -> tuple[Flag, ...]:
        """Return the flags that it takes, beside Hydra's."""
        return (*self.flags, PARAMS)

    def start(self, typed: Typed) -> None:
        """Do what was typed; every kind says how."""
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
        """Return where it reads and where it writes.

        A job of a multirun reads what is there and writes beside the others.

        Args:
            output: The output folder.
            job: The folder of a job of a multirun.
        """
        return output, job or output

    def run(self, context: Context[Any], arguments: Arguments) -> Parts:
        """Run it; return what is shown."""
        parts: Parts = import_module(f"restock.commands.{self.name}").run(context, arguments)
        return parts

    def finish(self, jobs: Sequence[Job]) -> None:
        """End a multirun whose jobs have all been run, or gathered."""
