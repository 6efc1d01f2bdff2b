"""Select features on the tuning folds, and show the override for the selection."""

from __future__ import annotations

import json
import shlex

from restock.commands.arguments import Arguments
from restock.commands.views import SelectView
from restock.data.store import load_panel, write_table
from restock.errors import ConfigError
from restock.evaluation.selection import folds_with_demand
from restock.settings.base import narrowed, replace_at
from restock.settings.recipe import Recipe
from restock.tracking.context import Context
from restock.tracking.protocol import Parts
from restock.training.feature_selection import Assessment, assess_features, eliminate
from restock.types import layout


def run(context: Context[SelectView], _: Arguments) -> Parts:
    """Write and log the table of all steps; return it with the override for the selection.

    Raises:
        ConfigError: If there is no tuning fold.
    """
    settings, files, console = context.settings, context.files, context.console
    panel = load_panel(files.read(layout.PANEL))
    folds = folds_with_demand(panel, settings.evaluation)
    if not folds.tuning:
        raise ConfigError(
            "there is no tuning fold to select features on: the history is too short. Lower "
            "evaluation.horizon or evaluation.num_folds."
        )

    console.note(f"training on {len(folds.tuning)} tuning fold(s), again for every set of features")

    recipe = narrowed(Recipe, settings)
    by = recipe.evaluation.loss

    def assess(left_out: tuple[str, ...]) -> Assessment:
        chosen = replace_at(recipe, {"features.leave_out": left_out})
        return assess_features(chosen, panel, folds, settings.engine.num_threads)

    with context.tracker.child("select") as tracker:

        def told(step: int, found: Assessment) -> None:
            count = len(found.importance)
            measured = {f"tuning_{by}": found.loss, "features": count}
            tracker.log_metrics(measured, step=step)
            console.note(f"{count} features: {by} {found.loss:.4f} on the tuning folds")

        selection = eliminate(settings.selection, assess, told, settings.features.leave_out)
        table, kept = selection.table(), override(selection.left_out[selection.kept])
        write_table(files.write(layout.SELECTION), table)
        tracker.log_params({**settings.selection.model_dump(), "kept": kept})
        tracker.log_artifact(files.write(layout.SELECTION))
    return [
        ("Steps", table),
        ("To keep this choice", kept),
        ("Table", str(files.write(layout.SELECTION))),
    ]


def override(left_out: tuple[str, ...]) -> str:
    """Return the override that leaves these features out, quoted for a shell."""
    names = ",".join(json.dumps(name, ensure_ascii=False) for name in left_out)
    return shlex.quote(f"features.leave_out=[{names}]")
