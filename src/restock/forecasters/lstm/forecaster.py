"""The trained LSTM as a fitted forecaster, like every baseline."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from restock.features.maker import feature_source
from restock.forecasters.assemble import PanelNetwork
from restock.settings.recipe import Recipe
from restock.types.features import FeatureState
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray
from restock.windows.sequences import WindowMaker


@dataclass(frozen=True)
class FittedLstm:
    """Trained networks. The forecast is the mean of their outputs.

    Attributes:
        recipe: Settings of the training.
        horizon: Periods they forecast, H.
        state: Learned constants of the features.
        networks: One for each member and snapshot.
    """

    recipe: Recipe
    horizon: int
    state: FeatureState
    networks: tuple[keras.Model, ...]

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast from each series' origin; see :class:`FittedForecaster`."""
        return self.beside(panel).predict(origins)

    def beside(self, panel: DemandPanel, windows: WindowMaker | None = None) -> PanelNetwork:
        """Return the networks, ready for a panel.

        Args:
            panel: The series.
            windows: Windows over its features, if they exist already; None: they are made here.
        """
        model = self.recipe.model
        levels = np.array(model.quantile_levels)
        windows = windows or self._windows(panel)
        return PanelNetwork(self._run, windows, panel, self.state, levels, model.likelihood)

    def _run(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        answers = [network.predict_on_batch(inputs) for network in self.networks]
        return np.mean([np.asarray(answer) for answer in answers], axis=0)

    def _windows(self, panel: DemandPanel) -> WindowMaker:
        recipe = self.recipe
        return WindowMaker(
            feature_source(panel, recipe.features, self.state, self.horizon),
            panel.first_seen,
            self.state.typical_scale,
            self.horizon,
            recipe.windows,
        )
