"""Stage featurize: the constants that features are made with, from training rows only."""

from __future__ import annotations

import json

from restock.data.files import replacing
from restock.data.folds import make_folds
from restock.data.store import load_panel
from restock.features.build import fit_state
from restock.features.state import write_state
from restock.settings.tree import Settings
from restock.stages.recipe import MADE_FROM, features_made_from
from restock.tracking.context import Context
from restock.types import layout


def run(settings: Settings, context: Context) -> None:
    """Write the constants, and what they were learned from. Features themselves are made anew."""
    panel_folder = context.layout.read(layout.PANEL)
    panel = load_panel(panel_folder)
    folds = make_folds(panel, settings.evaluation)
    state = fit_state(panel, settings.features, folds.test.train_end)
    with replacing(context.layout.write(layout.FEATURES)) as aside:
        aside.mkdir()
        write_state(aside / "state.json", state)
        made_from = features_made_from(settings, panel_folder, folds)
        (aside / MADE_FROM).write_text(json.dumps(made_from, indent=1) + "\n", encoding="utf-8")
    context.console.note(
        f"featurized {len(state.past_mean)} past, {len(state.future_mean)} known-future and "
        f"{len(state.vocabularies) + len(state.static_mean)} static features"
    )
