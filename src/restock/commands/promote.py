"""Judge the bundle in the output folder, or that of a run or of a sweep's best job."""

from __future__ import annotations

from dataclasses import replace

from restock.champions.candidate import laid_out
from restock.champions.promote import promote
from restock.champions.view import PromotionView
from restock.commands.arguments import Arguments
from restock.evaluation.scored import Scored
from restock.stages.pipeline import PIPELINE
from restock.tracking.context import Context
from restock.tracking.memory import NullTracker
from restock.tracking.protocol import Parts


def run(context: Context[PromotionView], arguments: Arguments) -> Parts:
    """Promote the bundle if it passes every gate; with ``--dry-run``, only say whether it would.

    Raises:
        UserError: If there is no such run or sweep, or it trained no bundle.
        IntegrityError: If metrics.json is about another bundle.
    """
    dry_run = "--dry-run" in arguments.flags
    if not arguments.names:
        scored = Scored.read(context.files, context.settings.evaluation)
        promote(context, scored, dry_run=dry_run)
        return []
    with laid_out(arguments.names[0], context) as files:
        there = replace(context, files=files)
        scored = PIPELINE["evaluate"].run(replace(there, tracker=NullTracker()))
        promote(there, scored, dry_run=dry_run)
    return []
