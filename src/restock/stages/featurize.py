"""Stage featurize: learn the constants of the features, from training rows only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restock.data.folds import make_folds
from restock.data.store import load_panel, panel_digest
from restock.features.fit import fit_state
from restock.features.state import made_from, save_constants
from restock.types import layout

if TYPE_CHECKING:
    from restock.stages.pipeline import FeaturizeView
    from restock.tracking.context import Context


def run(context: Context[FeaturizeView]) -> None:
    """Write the constants and their origin. The features are not saved; they are made when read."""
    settings, files = context.settings, context.files
    panel_folder = files.read(layout.PANEL)
    panel = load_panel(panel_folder)
    folds = make_folds(panel, settings.evaluation)
    state = fit_state(panel, settings.features, folds.test.train_end)
    origin = made_from(settings.features, panel_digest(panel_folder), folds.cut)
    save_constants(files.write(layout.FEATURES), state, origin)
    context.console.note(
        f"featurized {len(state.past_mean)} past, {len(state.future_mean)} known-future and "
        f"{len(state.vocabularies) + len(state.static_mean)} static features"
    )
