"""The kinds of command: one class for each, which defines how such a command is run.

Nothing heavy is imported before a command is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from restock.cli.command import DRY_RUN, Command, Flag, Typed

if TYPE_CHECKING:
    from pathlib import Path

    from restock.cli.compose import Job
    from restock.commands.arguments import Arguments
    from restock.settings.base import Frozen
    from restock.settings.tree import Settings
    from restock.tracking.context import Context
    from restock.tracking.protocol import Parts


class TypedCommand(Command):
    """A command on composed settings: those of conf/ with the overrides, or of params.yaml."""

    def start(self, typed: Typed) -> None:
        """Compose the settings and run it, once or for every job of a multirun."""
        from restock.cli.dispatch import compose_and_run

        compose_and_run(self, typed)

    def finish(self, jobs: Sequence[Job]) -> None:
        """End the parent run of the jobs of a multirun, if they log runs."""
        if self.logged_as() is not None:
            from restock.cli.dispatch import end_multirun

            end_multirun(jobs)


class StoreCommand(TypedCommand):
    """A command on sweeps, runs or versions alone, which may be kept far from any project."""

    def can_start(self, settings: Settings, root: Path) -> bool:
        """Say whether a store that it reads is named, or is in the folder."""
        from restock.tracking.uri import named_uri

        reads = self.settings().model_fields
        sweeps = "engine" in reads and settings.engine.study_url
        runs = "tracking" in reads and named_uri(settings.tracking)
        return bool(sweeps or runs) or super().can_start(settings, root)


class ValidateCommand(TypedCommand):
    """The check of a table, which needs nothing else."""

    def can_start(self, settings: Settings, root: Path) -> bool:  # noqa: ARG002
        """Say that it can always start."""
        return True


@dataclass(frozen=True)
class LoggedCommand(TypedCommand):
    """A command that logs runs.

    Attributes:
        log: Name of the command that they are logged as; empty: its own name.
    """

    log: str = ""

    def logged_as(self) -> str | None:
        """Return the name of the command that its runs are logged as."""
        return self.log or self.name


class StageCommand(TypedCommand):
    """One stage of the pipeline."""

    def settings(self) -> type[Frozen]:
        """Return the view of its stage."""
        from restock.stages.pipeline import PIPELINE

        return PIPELINE[self.name].view

    def can_start(self, settings: Settings, root: Path) -> bool:
        """Say whether its stage needs no other before it, or one may have been run."""
        from restock.stages.pipeline import PIPELINE

        return not PIPELINE[self.name].reads or super().can_start(settings, root)

    def logged_as(self) -> str | None:
        """Return its name if its stage logs runs, else None."""
        from restock.stages.pipeline import PIPELINE

        return self.name if PIPELINE[self.name].logged else None

    def run(self, context: Context[Any], arguments: Arguments) -> Parts:  # noqa: ARG002
        """Run the stage, which prints its messages itself."""
        from restock.stages.pipeline import PIPELINE

        PIPELINE[self.name].run(context)
        return []


class TuneCommand(StageCommand):
    """Stage tune, which can also estimate its time."""

    def settings(self) -> type[Frozen]:
        """Return the view of the estimate, which is wider than that of the stage."""
        from restock.commands.views import PreflightView

        return PreflightView

    def run(self, context: Context[Any], arguments: Arguments) -> Parts:
        """Launch the sweep, or estimate it."""
        if DRY_RUN not in arguments.flags:
            return super().run(context, arguments)
        from restock.commands import preflight
        from restock.commands.views import PreflightView

        return preflight.run(context.narrowed(PreflightView), arguments)


class TrainCommand(StageCommand):
    """Stage train. Typed by hand, it trains the given settings; a multirun is a sweep."""

    first = ("training.use_tuned=false",)
    gathers = True

    def check(self, job: Job) -> None:
        """Refuse swept values that the tuner's best would replace."""
        from restock.cli.params import refuse_replaced

        refuse_replaced(job)

    def finish(self, jobs: Sequence[Job]) -> None:
        """Train every job, as a grid that can be resumed."""
        from restock.cli.dispatch import train_grid

        train_grid(jobs)


class RunCommand(LoggedCommand):
    """All stages in one process, logged in one run."""

    def can_start(self, settings: Settings, root: Path) -> bool:  # noqa: ARG002
        """Start from nothing."""
        return True

    def check(self, job: Job) -> None:
        """Refuse swept values that the tuner's best would replace."""
        from restock.cli.params import refuse_replaced

        refuse_replaced(job)

    def folders(self, output: Path, job: Path | None) -> tuple[Path, Path]:
        """Return the same folder twice: it reads what it has written itself."""
        return job or output, job or output


class ConfCommand(Command):
    """A command about conf/ itself: nothing is composed for it."""

    def all_flags(self) -> tuple[Flag, ...]:
        """Return its own flags, without --params: it reads no composed settings."""
        return self.flags

    def start(self, typed: Typed) -> None:
        """Run what was typed."""
        from restock.cli import params

        params.start(typed)
