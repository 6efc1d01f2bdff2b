"""Fit the network: one object that trains epoch by epoch and can be scored in between."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np

from restock.config import (
    FeatureSettings,
    ModelSettings,
    Settings,
    TrainingSettings,
    WindowSettings,
)
from restock.features.build import fit_state, make_features
from restock.forecasters.assemble import assemble_forecast
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.network import NetworkShape, QuantileLoss, build_network
from restock.seeding import child_seed, generator
from restock.types.features import FeaturePanel, FeatureState
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray
from restock.windows.sequences import WindowMaker


@dataclass(frozen=True)
class LstmRecipe:
    """Everything that decides what is trained."""

    features: FeatureSettings
    windows: WindowSettings
    model: ModelSettings
    training: TrainingSettings
    horizon: int
    seed: int

    @classmethod
    def from_settings(cls, settings: Settings) -> LstmRecipe:
        """Collect the settings that decide what is trained."""
        return cls(
            features=settings.features,
            windows=settings.windows,
            model=settings.model,
            training=settings.training,
            horizon=settings.evaluation.horizon,
            seed=settings.seed,
        )


class DivergedError(ArithmeticError):
    """The loss is not a finite number."""


class LstmTraining:
    """One network in training on one fold. :meth:`run_epoch` is the only way forward."""

    def __init__(
        self,
        recipe: LstmRecipe,
        panel: DemandPanel,
        train_end: IntArray,
        prepared: tuple[FeatureState, FeaturePanel] | None = None,
    ) -> None:
        """Fit feature constants up to ``train_end`` (unless given) and build a fresh network."""
        # The longest history there is to train on is the longest that is ever shown: a forecast
        # must depend neither on lengths that were never trained nor on the series beside it.
        lookback = min(recipe.windows.lookback, int(train_end.max()) + 1)
        windows = recipe.windows.model_copy(update={"lookback": lookback})
        self.recipe = replace(recipe, windows=windows)
        self.panel, self.train_end = panel, train_end
        self.state, features = prepared or prepare_features(recipe, panel, train_end)
        self.windows = WindowMaker(features, recipe.horizon, recipe.features.seasonal_lag, windows)
        self.epoch = 0
        keras.utils.set_random_seed(child_seed(recipe.seed, "weights"))
        self.shape = network_shape(features, self.state, recipe.horizon)
        self.network = build_network(self.shape, recipe.model)
        training = recipe.training
        self.network.compile(
            optimizer=keras.optimizers.Adam(training.learning_rate, clipnorm=training.clip_norm),
            loss=QuantileLoss(recipe.model.quantile_levels),
            jit_compile=False,
        )

    def run_epoch(self) -> float:
        """Train one epoch and return its mean loss.

        Raises:
            DivergedError: If the loss is not finite.
        """
        training = self.recipe.training
        rng = generator(self.recipe.seed, "epoch", self.epoch)
        # Half a cosine over the budget of epochs, down to a twentieth of the start.
        share = self.epoch / training.max_epochs
        decay = 0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * share))
        self.network.optimizer.learning_rate.assign(training.learning_rate * decay)
        losses = []
        for _ in range(training.passes_per_epoch):
            for batch in self.windows.training_batches(
                self.train_end, training.batch_size, training.weight_by_scale, rng
            ):
                with backend.plain_errors():
                    loss = self.network.train_on_batch(
                        batch.inputs.inputs(), batch.target, sample_weight=batch.loss_mask
                    )
                losses.append(loss)
        self.epoch += 1
        mean = float(np.mean(losses)) if losses else float("nan")
        if not np.isfinite(mean):
            raise DivergedError(f"epoch {self.epoch}: loss is {mean}")
        return mean

    def inference_network(self) -> keras.Model:
        """Return the same network without dropout, which exports as one plain LSTM operation."""
        settings = self.recipe.model.model_copy(update={"dropout": 0.0, "recurrent_dropout": 0.0})
        network = build_network(self.shape, settings)
        network.set_weights(self.network.get_weights())
        row = np.array([0])
        network(self.windows.prediction_batch(row, row).inputs())  # Keras exports what was called
        return network

    def predict(self, origins: IntArray) -> DemandForecast:
        """Forecast every series from its origin with the weights as they are."""
        return assemble_forecast(
            lambda inputs: np.asarray(self.network.predict_on_batch(inputs)),
            self.windows,
            self.panel,
            origins,
            np.array(self.recipe.model.quantile_levels),
        )


def prepare_features(
    recipe: LstmRecipe, panel: DemandPanel, train_end: IntArray
) -> tuple[FeatureState, FeaturePanel]:
    """Fit feature constants on training rows and make the features."""
    state = fit_state(panel, recipe.features, train_end)
    return state, make_features(panel, recipe.features, state, recipe.horizon)


def network_shape(features: FeaturePanel, state: FeatureState, horizon: int) -> NetworkShape:
    """Return the sizes of the network's inputs."""
    return NetworkShape(
        num_past=features.past.shape[2],
        num_future=features.future.shape[2] + 2,  # + the seasonal lag and whether it is known
        num_static_numbers=features.static_numbers.shape[1],
        vocabulary_sizes=tuple(len(words) for words in state.vocabularies.values()),
        horizon=horizon,
    )
