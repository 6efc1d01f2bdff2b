"""Fit networks: objects that train epoch by epoch and can be scored in between."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import keras
import numpy as np

from restock.features.fitted import FittedFeatures, fit_features
from restock.forecasters.assemble import PanelNetwork
from restock.forecasters.likelihoods import require_counts
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.counts import CountLoss
from restock.forecasters.lstm.forecaster import FittedLstm
from restock.forecasters.lstm.network import (
    NetworkShape,
    QuantileLoss,
    average_networks,
    build_network,
)
from restock.seeding import child_seed, generator
from restock.settings.model import COUNTS
from restock.settings.recipe import Recipe
from restock.types.features import FeaturePanel, FeatureState
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray
from restock.windows.sequences import WindowMaker


class DivergedError(ArithmeticError):
    """The loss is not a finite number."""


class LstmTraining:
    """One network in training on one fold. :meth:`run_epoch` trains it for one epoch."""

    def __init__(
        self,
        recipe: Recipe,
        horizon: int,
        panel: DemandPanel,
        train_end: IntArray,
        fitted: FittedFeatures,
        *,
        member: int = 0,
    ) -> None:
        """Build a new network; ``member`` is its number in the ensemble and changes its seed."""
        self.recipe, self.train_end = recipe, train_end
        self.seed = child_seed(recipe.seed, "member", member)
        self.state, features = fitted.state, fitted.source
        windows = recipe.windows
        self.windows = WindowMaker(
            features, panel.first_seen, self.state.typical_scale, horizon, windows
        )
        self.epoch, self.counts = 0, recipe.model.likelihood in COUNTS
        keras.utils.set_random_seed(child_seed(self.seed, "weights"))
        sample = features.take(np.array([0]), np.array([0]), 1)
        self.shape = network_shape(sample, self.state, horizon)
        with backend.precision(recipe.training.precision):
            self.network = build_network(self.shape, recipe.model)
        # Without dropout, so that they are exported as plain LSTMs. The newest weights come last.
        plain = recipe.model.model_copy(update={"dropout": 0.0, "recurrent_dropout": 0.0})
        self.snapshots = deque(
            build_network(self.shape, plain) for _ in range(recipe.training.snapshots)
        )
        training = recipe.training
        self.network.compile(
            optimizer=keras.optimizers.Adam(training.learning_rate, clipnorm=training.clip_norm),
            loss=CountLoss() if self.counts else QuantileLoss(recipe.model.quantile_levels),
            # JAX is slow unless compiled; on TensorFlow XLA gains nothing (docs/performance.md).
            jit_compile=keras.backend.backend() == "jax",
        )
        # If the first step created these variables, TensorFlow would trace that step twice.
        self.network.optimizer.build(self.network.trainable_variables)

    def run_epoch(self) -> float:
        """Train one epoch and return its mean loss.

        Raises:
            DivergedError: If the loss is not finite.
        """
        training = self.recipe.training
        rng = generator(self.seed, "epoch", self.epoch)
        # The rate falls along half a cosine over max_epochs, to a twentieth of the start.
        share = self.epoch / training.max_epochs
        decay = 0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * share))
        self.network.optimizer.learning_rate.assign(training.learning_rate * decay)
        losses = []
        for _ in range(training.passes_per_epoch):
            for batch in self.windows.training_batches(
                self.train_end, training.batch_size, training.weight_by_scale, rng
            ):
                target = batch.counts() if self.counts else batch.target
                with backend.plain_errors():
                    loss = self.network.train_on_batch(
                        batch.inputs.inputs(), target, sample_weight=batch.loss_mask
                    )
                losses.append(loss)
        self.epoch += 1
        mean = float(np.mean(losses)) if losses else float("nan")
        if not np.isfinite(mean):
            raise DivergedError(
                f"epoch {self.epoch}: the training loss is {mean}. Lower training.learning_rate."
            )
        weights = self.network.get_weights()
        self.snapshots.rotate(-1)
        self.snapshots[-1].set_weights(weights)
        return mean

    def progress(self) -> dict[str, np.ndarray]:
        """Return all that is needed to resume: weights, optimizer, random streams; by name."""
        held = [*self.network.variables, *self.network.optimizer.variables]
        arrays = {f"variable_{at}": np.asarray(variable) for at, variable in enumerate(held)}
        for place, network in enumerate(self.snapshots):
            weights = enumerate(network.get_weights())
            arrays |= {f"snapshot_{place}_{at}": values for at, values in weights}
        return arrays | {"epoch": np.array(self.epoch)}

    def restore(self, progress: Mapping[str, np.ndarray]) -> None:
        """Resume from the arrays of :meth:`progress`, with the same results as without a break."""
        held = [*self.network.variables, *self.network.optimizer.variables]
        for at, variable in enumerate(held):
            variable.assign(progress[f"variable_{at}"])
        for place, network in enumerate(self.snapshots):
            count = len(network.weights)
            network.set_weights([progress[f"snapshot_{place}_{at}"] for at in range(count)])
        self.epoch = int(progress["epoch"])

    def networks(self) -> list[keras.Model]:
        """Return the snapshots that forecast: the network after each of its last epochs."""
        return list(self.snapshots)[-max(self.epoch, 1) :]


class LstmEnsemble:
    """Networks with different seeds, trained on one fold. The forecast is their mean."""

    def __init__(
        self,
        recipe: Recipe,
        horizon: int,
        panel: DemandPanel,
        train_end: IntArray,
        fitted: FittedFeatures | None = None,
    ) -> None:
        """Fit feature constants up to ``train_end`` (unless given) and build the networks.

        Args:
            recipe: What is trained.
            horizon: Periods that are forecast, H.
            panel: The whole panel; demand after ``train_end`` is not read.
            train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.
            fitted: Features with this training end; None: they are made here.

        Raises:
            DataError: If the likelihood is a distribution of counts and demand is not in whole
                units.
        """
        require_counts(panel, train_end, recipe.model.likelihood)
        # The lookback is never longer than the training history: a forecast must not depend on
        # lengths that were never trained, nor on the other series of the panel.
        lookback = min(recipe.windows.lookback, int(train_end.max()) + 1)
        windows = recipe.windows.model_copy(update={"lookback": lookback})
        self.recipe = recipe.model_copy(update={"windows": windows})
        self.horizon, self.panel, self.train_end = horizon, panel, train_end
        fitted = fitted or fit_features(panel, recipe.features, train_end, horizon)
        self.state = fitted.state
        self.members = [
            LstmTraining(self.recipe, horizon, panel, train_end, fitted, member=member)
            for member in range(recipe.training.ensemble_size)
        ]

    @property
    def epoch(self) -> int:
        """Epochs trained."""
        return self.members[0].epoch

    def progress(self) -> dict[str, np.ndarray]:
        """Return all that is needed to resume, of every network, by name."""
        return {
            f"member_{number}/{name}": values
            for number, member in enumerate(self.members)
            for name, values in member.progress().items()
        }

    def restore(self, progress: Mapping[str, np.ndarray]) -> None:
        """Resume from the arrays of :meth:`progress`."""
        for number, member in enumerate(self.members):
            member.restore(part_of(progress, f"member_{number}/"))

    def network(self) -> keras.Model:
        """Return the mean over members and snapshots as one network."""
        return average_networks(self._networks())

    def predict(self, origins: IntArray) -> DemandForecast:
        """Forecast every series from its origin with the current weights."""
        return self.on_panel().predict(origins)

    def on_panel(self) -> PanelNetwork:
        """Return the mean of the networks, with their current weights, for the panel."""
        return self.fitted().beside(self.panel, self.members[0].windows)

    def fitted(self) -> FittedLstm:
        """Return a fitted forecaster with the current weights."""
        return FittedLstm(self.recipe, self.horizon, self.state, tuple(self._networks()))

    def _networks(self) -> list[keras.Model]:
        return [network for member in self.members for network in member.networks()]


def run_epochs(ensembles: Iterable[LstmEnsemble], pool: ThreadPoolExecutor) -> list[float]:
    """Train every network of every ensemble for one epoch, at the same time.

    Threads are enough for this: the backend releases Python's lock while it computes. A network's
    results depend only on its own seed, not on the number of threads.

    Returns:
        Each ensemble's mean loss.
    """
    jobs = [[pool.submit(m.run_epoch) for m in ensemble.members] for ensemble in ensembles]
    return [float(np.mean([job.result() for job in members])) for members in jobs]


@dataclass(frozen=True)
class Lstm:
    """The LSTM as a forecaster. It is fitted for ``max_epochs`` epochs.

    Attributes:
        recipe: What is trained.
        horizon: Periods that are forecast, H.
        num_threads: Threads inside one operation; see :func:`backend.prepare`.
    """

    recipe: Recipe
    horizon: int
    num_threads: int = 1

    def fit(self, panel: DemandPanel, train_end: IntArray) -> FittedLstm:
        """Fit on targets at or before ``train_end``; see :class:`Forecaster`.

        Raises:
            DataError: If the likelihood is a distribution of counts and demand is not in whole
                units.
            DivergedError: If the loss is not finite.
        """
        backend.prepare(self.recipe.seed, self.num_threads)
        ensemble = LstmEnsemble(self.recipe, self.horizon, panel, train_end)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in range(self.recipe.training.max_epochs):
                run_epochs([ensemble], pool)
        return ensemble.fitted()


def part_of(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names start with a prefix, by the rest of their names."""
    return {n.removeprefix(prefix): values for n, values in arrays.items() if n.startswith(prefix)}


def network_shape(features: FeaturePanel, state: FeatureState, horizon: int) -> NetworkShape:
    """Return the sizes of the network's inputs."""
    return NetworkShape(
        num_past=features.past.shape[2],
        num_future=features.future.shape[2],
        num_anchors=features.anchors.count,
        num_static_numbers=features.static_numbers.shape[1],
        vocabulary_sizes=tuple(len(words) for words in state.vocabularies.values()),
        horizon=horizon,
    )
