"""Stage featurize: features of the final training, with constants from its rows only."""

from __future__ import annotations

import json

import numpy as np

from restock.config import Settings
from restock.data.folds import make_folds
from restock.data.store import load_panel, replacing
from restock.features.build import fit_state, make_features
from restock.features.state import write_state
from restock.stages.context import Context
from restock.stages.recipe import MADE_FROM, features_made_from
from restock.types import layout


def run(settings: Settings, context: Context) -> None:
    """Write features (npz) and the state they were made with (JSON)."""
    panel_folder = context.layout.read(layout.PANEL)
    panel = load_panel(panel_folder)
    folds = make_folds(panel, settings.evaluation)
    state = fit_state(panel, settings.features, folds.test.train_end)
    features = make_features(panel, settings.features, state, settings.evaluation.horizon)
    with replacing(context.layout.write(layout.FEATURES)) as aside:
        aside.mkdir()
        write_state(aside / "state.json", state)
        for name, values in vars(features).items():
            np.save(aside / f"{name}.npy", values)
        made_from = features_made_from(settings, panel_folder, folds)
        (aside / MADE_FROM).write_text(json.dumps(made_from, indent=1) + "\n", encoding="utf-8")
    context.console.note(
        f"featurized {features.past.shape[2]} past, {features.future.shape[2]} known-future and "
        f"{features.static_codes.shape[1] + features.static_numbers.shape[1]} static features"
    )
