"""All stages in one process, on any data set, without DVC."""

from __future__ import annotations

from dataclasses import replace

from restock.commands import summary
from restock.commands.arguments import Arguments
from restock.commands.views import RunView, SummaryView
from restock.decisions.demand import check_reach
from restock.forecasters.export import check_export
from restock.stages.pipeline import PIPELINE
from restock.tracking.context import Context
from restock.tracking.protocol import Parts
from restock.tracking.record import log_origin, with_inputs


def run(context: Context[RunView], arguments: Arguments) -> Parts:
    """Run every stage, all in one run; stage tune only if its result is used.

    Raises:
        ConfigError: If a later stage would refuse the settings. This is checked first.
    """
    settings = context.settings
    check_export()
    check_reach(settings.inventory.protection_interval, settings.evaluation.horizon)
    skipped = () if settings.training.use_tuned else ("tune",)
    with context.tracker.child("run") as whole:
        log_origin(whole, with_inputs(context.origin, {}, context.root))
        for stage in PIPELINE.values():
            if stage.name not in skipped:
                console = context.console.named(stage.name)
                stage.run(replace(context, tracker=whole, console=console))
    return summary.run(context.narrowed(SummaryView), arguments)
